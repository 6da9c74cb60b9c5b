"""The words for digits, in languages in which people are likely to spell out a number."""

DIGIT_WORDS = {
    word: str(digit)
    for words in (
        "zero one two three four five six seven eight nine",
        "null eins zwei drei vier fünf sechs sieben acht neun",
        "zéro un deux trois quatre cinq six sept huit neuf",
        "cero uno dos tres cuatro cinco seis siete ocho nueve",
        "zero uno due tre quattro cinque sei sette otto nove",
        "zero um dois três quatro cinco seis sete oito nove",
        "nul een twee drie vier vijf zes zeven acht negen",
        "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć",
        "noll ett två tre fyra fem sex sju åtta nio",
        "ноль один два три четыре пять шесть семь восемь девять",
        "nolla yksi kaksi kolme neljä viisi kuusi seitsemän kahdeksan yhdeksän",
        "nula jedna dva tři čtyři pět šest sedm osm devět",
        "zero unu doi trei patru cinci șase șapte opt nouă",
        "sıfır bir iki üç dört beş altı yedi sekiz dokuz",
        "μηδέν ένα δύο τρία τέσσερα πέντε έξι επτά οκτώ εννέα",
        "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة",
        "oh ein zwo trois cuatro funf meia sett åtte ni",
    )
    for digit, word in enumerate(words.split())
} | {"nought": "0", "o": "0", "sex": "6", "meia": "6", "ni": "9"}
