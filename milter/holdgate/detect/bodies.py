"""Words in lower case with which names of public bodies, schools and houses begin: "tribunal de Valmont".

The model finds the capitalised rest of such a name. In German and English these words have a capital letter.
"""

import re
from typing import Final

BODIES: Final[dict[str, tuple[str, ...]]] = {
    "fr": (
        "tribunal", "cour", "mairie", "préfecture", "sous-préfecture", "gendarmerie", "commissariat", "police",
        "école", "collège", "lycée", "université", "crèche", "clinique", "hôpital", "polyclinique", "maternité",
        "pharmacie", "laboratoire", "centre", "bibliothèque", "médiathèque", "musée", "théâtre", "hôtel", "restaurant",
        "boulangerie", "garage", "librairie", "imprimerie", "ferme", "brasserie", "paroisse", "office", "agence",
        "chambre", "caisse", "conseil", "comité", "association", "fondation", "fédération", "syndicat", "régie",
        "commune", "communauté", "faculté", "institut", "conservatoire", "foyer", "résidence", "club", "cabinet",
    ),
    "es": (
        "tribunal", "juzgado", "audiencia", "ayuntamiento", "diputación", "consejería", "delegación", "comisaría",
        "policía", "guardia", "colegio", "escuela", "instituto", "universidad", "guardería", "clínica", "hospital",
        "farmacia", "laboratorio", "centro", "biblioteca", "museo", "teatro", "hotel", "hostal", "restaurante", "bar",
        "panadería", "taller", "librería", "imprenta", "granja", "parroquia", "oficina", "agencia", "cámara", "caja",
        "consejo", "comité", "asociación", "fundación", "federación", "sindicato", "facultad", "conservatorio",
        "residencia", "club", "gestoría", "notaría", "bufete", "cooperativa", "cofradía", "mancomunidad",
    ),
    "it": (
        "tribunale", "corte", "comune", "prefettura", "questura", "polizia", "scuola", "liceo", "istituto",
        "università", "asilo", "clinica", "ospedale", "farmacia", "laboratorio", "centro", "biblioteca", "museo",
        "teatro", "albergo", "ristorante", "trattoria", "panificio", "officina", "libreria", "tipografia", "fattoria",
        "parrocchia", "ufficio", "agenzia", "camera", "cassa", "consiglio", "comitato", "associazione", "fondazione",
        "federazione", "sindacato", "facoltà", "conservatorio", "residenza", "circolo", "studio", "notaio", "regione",
        "cooperativa", "polisportiva", "procura", "agriturismo", "pizzeria", "bar",
    ),
    "nl": (
        "rechtbank", "gerechtshof", "gemeente", "provincie", "politie", "basisschool", "school", "college",
        "universiteit", "hogeschool", "kliniek", "ziekenhuis", "apotheek", "huisartsenpraktijk", "bibliotheek",
        "museum", "theater", "hotel", "restaurant", "café", "bakkerij", "garage", "boekhandel", "drukkerij",
        "boerderij", "parochie", "waterschap", "stichting", "vereniging", "vakbond", "voetbalclub", "sportclub",
        "hockeyclub", "woningcorporatie", "zorgcentrum", "verpleeghuis", "kinderopvang", "brandweer", "notariskantoor",
        "advocatenkantoor", "slagerij", "supermarkt",
    ),
    "pl": (
        "gmina", "sąd", "szkoła", "szpital", "przychodnia", "apteka", "hotel", "restauracja", "piekarnia", "fundacja",
        "stowarzyszenie", "parafia", "klub", "kancelaria", "biblioteka", "muzeum", "hurtownia", "warsztat",
        "spółdzielnia", "przedszkole", "urząd",
    ),
    "pt": (
        "tribunal", "câmara", "junta", "polícia", "guarda", "escola", "colégio", "liceu", "universidade", "creche",
        "clínica", "hospital", "farmácia", "laboratório", "centro", "biblioteca", "museu", "teatro", "hotel", "pensão",
        "restaurante", "padaria", "oficina", "livraria", "tipografia", "quinta", "paróquia", "agência", "caixa",
        "conselho", "comité", "associação", "fundação", "federação", "sindicato", "faculdade", "conservatório",
        "residência", "lar", "clube", "notário", "cooperativa", "misericórdia", "prefeitura", "delegacia",
    ),
}  # fmt: skip
WORDS: Final = frozenset(word for words in BODIES.values() for word in words)
# Between such a word and "of": "bibliothèque municipale de Valmont".
ADJECTIVES: Final = (
    "municipal", "municipale", "départemental", "départementale", "régional", "régionale", "national", "nationale",
    "communal", "communale", "judiciaire", "hospitalier", "intercommunale", "provincial", "regional", "nacional",
    "local", "mercantil", "universitario", "comarcal", "comunale", "provinciale", "regionale", "nazionale", "civico",
    "civica", "statale", "universitaria", "gemeentelijke", "miejski", "miejska", "gminny", "distrital", "estadual",
)  # fmt: skip
# Such a word, perhaps an adjective, perhaps "of" with a noun, and perhaps "of" before the rest of the name.
_BEFORE: Final = re.compile(
    r"(?<![\w\-])(?:" + "|".join(sorted(WORDS)) + r")"
    r"(?: [^\W\d_]{2,12}(?:al|ale|aux|ais|aise|ique|ico|ica|ier|ière|aire|ario|aria|ano|ana|ar|ivo|iva|if|ive)"
    r"| générale?| supérieure?| superiore?)?"
    r"(?: (?:de |di |d['’])[^\W\d_]{3,12})?"
    r"(?: (?:de|de la|de los|de las|du|del|dei|della|delle|des|di|da|do|dos|das|van|voor|w|we) "
    r"| (?:de l|d|dell)['’]| )\Z"
)  # fmt: skip
_FARTHEST: Final = 48


def beginning(text: str, start: int) -> int:
    """Return where a name begins with the word for a body before its capitalised rest; `start` if there is none."""
    if start == 0 or text[start - 1] not in " '’":
        return start
    least = max(0, start - _FARTHEST)
    found = _BEFORE.search(text[least:start])
    return start if found is None else least + found.start()
