/* Characters, references and text of XML for `xml_scan.c`: checked first, made into strings where they are wanted. */

/* What a byte may be: a letter that begins a name, another that goes on with one, white space, or a character of text
that needs a look. Bytes of 0x80 and above are checked as UTF-8, and other control characters are no XML. */
enum { BEGINS = 1, NAME = 2, SPACE = 4, LOOK = 8 };
static unsigned char kind[256];

/* Returns the length of the UTF-8 character at `at`, 0 if it is none that XML allows (2.2). */
static Py_ssize_t character(const unsigned char *text, Py_ssize_t at, Py_ssize_t size)
{
    unsigned char first = text[at];
#define CONTINUES(offset) (at + (offset) < size && (text[at + (offset)] & 0xC0) == 0x80)
    if (first < 0x80)
        return first >= 0x20 || kind[first] & SPACE ? 1 : 0;
    if (first >= 0xC2 && first <= 0xDF)
        return CONTINUES(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        if (!CONTINUES(1) || !CONTINUES(2))
            return 0;
        unsigned char second = text[at + 1], third = text[at + 2];
        if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F))
            return 0;
        return first == 0xEF && second == 0xBF && third > 0xBD ? 0 : 3;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        if (!CONTINUES(1) || !CONTINUES(2) || !CONTINUES(3))
            return 0;
        unsigned char second = text[at + 1];
        return (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F) ? 0 : 4;
    }
#undef CONTINUES
    return 0;
}

/* Reads the reference at `at` (4.1, 4.6): returns its length, 0 if it is none that is known, and the character. */
static Py_ssize_t reference(const unsigned char *text, Py_ssize_t at, Py_ssize_t size, uint32_t *code)
{
    static const struct {
        const char *written;
        uint32_t code;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t index = 0; index < sizeof known / sizeof *known; index++) {
        Py_ssize_t length = (Py_ssize_t)strlen(known[index].written);
        if (size - at >= length && memcmp(text + at, known[index].written, length) == 0) {
            *code = known[index].code;
            return length;
        }
    }
    if (size - at < 4 || text[at + 1] != '#')
        return 0;
    int hexadecimal = text[at + 2] == 'x';
    Py_ssize_t digits = at + 2 + hexadecimal, end = digits;
    uint32_t value = 0;
    for (; end < size && text[end] != ';'; end++) {
        unsigned char byte = text[end];
        int digit = byte >= '0' && byte <= '9'                  ? byte - '0'
                    : hexadecimal && byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                    : hexadecimal && byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                                                : -1;
        if (digit < 0 || end - digits >= 8)
            return 0;
        value = value * (hexadecimal ? 16 : 10) + digit;
    }
    int allowed = value == 9 || value == 10 || value == 13 || (value >= 0x20 && value < 0xD800) ||
                  (value >= 0xE000 && value < 0xFFFE) || (value >= 0x10000 && value <= 0x10FFFF);
    if (end >= size || end == digits || !allowed)
        return 0;
    *code = value;
    return end + 1 - at;
}

/* Makes a string of checked text: references replaced, line ends as 2.11 has them, or, in a value, as 3.3.3 does. */
static PyObject *decoded(const unsigned char *text, Py_ssize_t at, Py_ssize_t end, int value)
{
    char *out = PyMem_Malloc(end - at);
    if (out == NULL)
        return PyErr_NoMemory();
    Py_ssize_t length = 0;
    while (at < end) {
        unsigned char byte = text[at];
        uint32_t code;
        if (byte == '&') {
            at += reference(text, at, end, &code);
            /* A character is never longer than the reference that names it. */
            if (code < 0x80) {
                out[length++] = (char)code;
            } else if (code < 0x800) {
                out[length++] = (char)(0xC0 | code >> 6);
                out[length++] = (char)(0x80 | (code & 0x3F));
            } else if (code < 0x10000) {
                out[length++] = (char)(0xE0 | code >> 12);
                out[length++] = (char)(0x80 | (code >> 6 & 0x3F));
                out[length++] = (char)(0x80 | (code & 0x3F));
            } else {
                out[length++] = (char)(0xF0 | code >> 18);
                out[length++] = (char)(0x80 | (code >> 12 & 0x3F));
                out[length++] = (char)(0x80 | (code >> 6 & 0x3F));
                out[length++] = (char)(0x80 | (code & 0x3F));
            }
        } else if (byte == '\r') {
            at += at + 1 < end && text[at + 1] == '\n' ? 2 : 1;
            out[length++] = value ? ' ' : '\n';
        } else {
            out[length++] = value && (byte == '\n' || byte == '\t') ? ' ' : (char)byte;
            at++;
        }
    }
    PyObject *result = PyUnicode_DecodeUTF8(out, length, "strict");
    PyMem_Free(out);
    return result;
}

/* Makes a string of checked text; `plain` text stands as it is meant. */
static PyObject *string(const unsigned char *text, Py_ssize_t begin, Py_ssize_t end, int plain, int value)
{
    return plain ? PyUnicode_DecodeUTF8((const char *)text + begin, end - begin, "strict")
                 : decoded(text, begin, end, value);
}

/* Reads character data at `at`; returns where it ends, -1 if it has something unknown. `plain` text stands as it is
meant, `blank` text is white space. */
static Py_ssize_t text_end(const unsigned char *text, Py_ssize_t at, Py_ssize_t size, int *plain, int *blank)
{
    *plain = *blank = 1;
    while (at < size && text[at] != '<') {
        unsigned char byte = text[at];
        if (kind[byte] & SPACE) {
            if (byte == '\r')
                *plain = 0;
            at++;
            continue;
        }
        *blank = 0;
        if (!(kind[byte] & LOOK)) {
            at++;
        } else if (byte == '&') {
            uint32_t code;
            Py_ssize_t length = reference(text, at, size, &code);
            if (length == 0)
                return -1;
            *plain = 0;
            at += length;
        } else if (byte == ']' && size - at >= 3 && text[at + 1] == ']' && text[at + 2] == '>') {
            return -1;
        } else {
            Py_ssize_t length = character(text, at, size);
            if (length == 0)
                return -1;
            at += length;
        }
    }
    return at;
}

static void make_kinds(void)
{
    memset(kind, 0, sizeof kind);
    for (int byte = 0; byte < 256; byte++) {
        int letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' || byte == ':';
        int digit = byte >= '0' && byte <= '9';
        if (letter)
            kind[byte] |= BEGINS;
        if (letter || digit || byte == '-' || byte == '.')
            kind[byte] |= NAME;
        if (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r')
            kind[byte] |= SPACE;
        if (byte < 0x20 || byte >= 0x80 || strchr("<&\"']", byte))
            kind[byte] |= LOOK;
    }
}
