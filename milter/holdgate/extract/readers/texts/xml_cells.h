/* Simple cells of a sheet (ECMA-376-1, 18.3.1.4) for `xml_scan.c`, read without a call of Python for each of them.

A cell is simple when it has a place, a shared or inline string or a number that is shown as it is, and no formula but
one of references and names. All others are given to `SheetText`, which says what any cell means: these lines only do the
same for the plainest of them. Empty ones count, and say nothing. */

enum { BATCH = 4096, EXACT_DIGITS = 15 };
/* What is known of the style with a number: nothing, that it shows numbers as they are, or that it does not. */
enum { UNKNOWN, PLAIN, DRESSED };

static int is_sheet(PyObject *sheet)
{
    return PyTuple_Check(sheet) && PyTuple_GET_SIZE(sheet) == 5 &&
           (PyTuple_GET_ITEM(sheet, 0) == Py_None || PyList_Check(PyTuple_GET_ITEM(sheet, 0))) &&
           PySet_Check(PyTuple_GET_ITEM(sheet, 1)) && PyUnicode_Check(PyTuple_GET_ITEM(sheet, 2)) &&
           PyCallable_Check(PyTuple_GET_ITEM(sheet, 3)) && PyCallable_Check(PyTuple_GET_ITEM(sheet, 4));
}

/* Gives the simple cells that were read: their texts, their places, and how many there were with the empty ones. */
static int give_cells(Scan *scan)
{
    if (scan->cells == 0)
        return 0;
    PyObject *texts = scan->texts, *places = scan->places, *count = PyLong_FromSsize_t(scan->cells);
    scan->texts = scan->places = NULL;
    scan->cells = 0;
    PyObject *result = count ? PyObject_CallFunctionObjArgs(PyTuple_GET_ITEM(scan->sheet, 4), texts, places, count, NULL)
                             : NULL;
    Py_XDECREF(texts);
    Py_XDECREF(places);
    Py_XDECREF(count);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static int give_row(Scan *scan)
{
    if (scan->row == NULL)
        return 0;
    PyObject *attributes = scan->row, *name = PyUnicode_FromString("row");
    scan->row = NULL;
    int failed = name == NULL || call(scan->start, name, attributes) < 0;
    Py_XDECREF(name);
    Py_DECREF(attributes);
    return failed ? -1 : 0;
}

/* Keeps a row that says its number until something in it needs it. Returns whether it did. */
static int keep_row(Scan *scan, const Attribute *attributes, int count)
{
    const unsigned char *text = BYTES(scan);
    for (int index = 0; index < count; index++) {
        const Attribute *one = attributes + index;
        if (one->name_end - one->name != 1 || text[one->name] != 'r')
            continue;
        for (Py_ssize_t at = one->value; at < one->value_end; at++)
            if (text[at] < '0' || text[at] > '9')
                return 0;
        if (one->value == one->value_end)
            return 0;
        PyObject *kept = attributes_of(scan, one, 1);
        if (kept == NULL)
            return -1;
        Py_XSETREF(scan->row, kept);
        return 1;
    }
    return 0;
}

/* Returns the number that decimal digits write, -1 if they are none or too many. */
static long digits(const unsigned char *text, Py_ssize_t begin, Py_ssize_t end)
{
    long number = 0;
    if (begin == end || end - begin > 9)
        return -1;
    for (; begin < end; begin++) {
        if (text[begin] < '0' || text[begin] > '9')
            return -1;
        number = 10 * number + text[begin] - '0';
    }
    return number;
}

/* Whether the style, as a cell writes its number, shows numbers as they are; -1 for an exception. */
static int is_plain_style(Scan *scan, const unsigned char *text, const Attribute *style)
{
    if (style == NULL)
        return 1;
    long number = digits(text, style->value, style->value_end);
    if (number < 0 || number >= STYLES)
        return 0;
    if (scan->styles[number] == UNKNOWN) {
        PyObject *name = PyUnicode_FromFormat("%ld", number);
        PyObject *plain = name ? PyObject_CallOneArg(PyTuple_GET_ITEM(scan->sheet, 3), name) : NULL;
        Py_XDECREF(name);
        if (plain == NULL)
            return -1;
        scan->styles[number] = plain == Py_True ? PLAIN : DRESSED;
        Py_DECREF(plain);
    }
    return scan->styles[number] == PLAIN;
}

/* Makes the text of a number as `plain_number` does; None where that has to be asked. */
static PyObject *number_text(const unsigned char *text, Py_ssize_t begin, Py_ssize_t end)
{
    char written[40];
    Py_ssize_t length = end - begin, at = begin + (text[begin] == '-'), points = 0;
    if (at == end || length >= (Py_ssize_t)sizeof written)
        Py_RETURN_NONE;
    for (; at < end; at++) {
        points += text[at] == '.';
        if (text[at] != '.' && (text[at] < '0' || text[at] > '9'))
            Py_RETURN_NONE;
    }
    if (points == 0)
        return PyUnicode_DecodeASCII((const char *)text + begin, length, "strict");
    if (points > 1 || length < 3)
        Py_RETURN_NONE;
    /* So many digits come back from a double as they were written, if they were written shortest. */
    at = begin + (text[begin] == '-');
    int usual = text[at] == '0' ? text[at + 1] == '.' : text[at] != '.';
    if (usual && end - at <= EXACT_DIGITS + 1 && text[end - 1] >= '1')
        return PyUnicode_DecodeASCII((const char *)text + begin, length, "strict");
    memcpy(written, text + begin, length);
    written[length] = 0;
    char *shortest = NULL;
    double value = PyOS_string_to_double(written, NULL, NULL);
    if (value != -1.0 || !PyErr_Occurred())
        shortest = PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (shortest == NULL) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    PyObject *result = Py_None;
    if (strspn(shortest, "-0123456789.") == strlen(shortest)) {
        length = (Py_ssize_t)strlen(shortest);
        while (length > 0 && shortest[length - 1] == '0')
            length--;
        if (length > 0 && shortest[length - 1] == '.')
            length--;
        result = PyUnicode_DecodeASCII(shortest, length, "strict");
    } else {
        Py_INCREF(result);
    }
    PyMem_Free(shortest);
    return result;
}

/* Returns the shared string of an index, and notes that it was used; None where there is none. */
static PyObject *shared(Scan *scan, long index)
{
    PyObject *strings = PyTuple_GET_ITEM(scan->sheet, 0);
    if (strings == Py_None || index >= PyList_GET_SIZE(strings))
        Py_RETURN_NONE;
    PyObject *number = PyLong_FromLong(index);
    if (number == NULL || PySet_Add(PyTuple_GET_ITEM(scan->sheet, 1), number) < 0) {
        Py_XDECREF(number);
        return NULL;
    }
    Py_DECREF(number);
    return Py_NewRef(PyList_GET_ITEM(strings, index));
}

static int is_white(PyObject *text)
{
    for (Py_ssize_t index = 0; index < PyUnicode_GET_LENGTH(text); index++)
        if (!Py_UNICODE_ISSPACE(PyUnicode_READ_CHAR(text, index)))
            return 0;
    return 1;
}

/* Whether a formula says more than references and names: what `HAS_CONTENT` finds, or anything that is not ASCII. */
static int is_telling(const unsigned char *text, Py_ssize_t at, Py_ssize_t end)
{
    int row = 0;
    for (; at < end; at++) {
        row = text[at] >= '0' && text[at] <= '9' ? row + 1 : 0;
        if (row == 5 || text[at] == '"' || text[at] == '&' || text[at] >= 0x80)
            return 1;
    }
    return 0;
}

static int begins(const unsigned char *text, Py_ssize_t at, Py_ssize_t size, const char *word)
{
    Py_ssize_t length = (Py_ssize_t)strlen(word);
    return size - at >= length && memcmp(text + at, word, length) == 0;
}

/* Reads the cell whose start tag ends at the scan's position, if it is simple. Returns whether it was. */
static int read_cell(Scan *scan, const Attribute *attributes, int count, Py_ssize_t size)
{
    const unsigned char *text = BYTES(scan);
    const Attribute *place = NULL, *type = NULL, *style = NULL;
    for (int index = 0; index < count; index++) {
        const Attribute *one = attributes + index;
        if (one->name_end - one->name != 1)
            continue;
        if (text[one->name] == 'r')
            place = one;
        else if (text[one->name] == 't')
            type = one;
        else if (text[one->name] == 's')
            style = one;
    }
    if (place == NULL || place->value == place->value_end)
        return 0;
    for (Py_ssize_t at = place->value; at < place->value_end; at++)
        if (!(kind[text[at]] & NAME))
            return 0;
    int is_number = type == NULL || is(text, type->value, type->value_end, "n");
    int is_shared = type != NULL && is(text, type->value, type->value_end, "s");
    int is_inline = type != NULL && is(text, type->value, type->value_end, "inlineStr");
    if (!is_number && !is_shared && !is_inline && !is(text, type->value, type->value_end, "str"))
        return 0;
    Py_ssize_t at = scan->position, begin, end;
    int plain, blank;
    if (!is_inline && begins(text, at, size, "<f>")) {
        begin = at + 3;
        end = text_end(text, begin, size, &plain, &blank);
        if (end < 0 || is_telling(text, begin, end) || !begins(text, end, size, "</f>"))
            return 0;
        at = end + 4;
    }
    const char *close = "</v></c>";
    if (is_inline) {
        if (!begins(text, at, size, "<is><t>"))
            return 0;
        at += 7;
        close = "</t></is></c>";
    } else if (begins(text, at, size, "<v>")) {
        at += 3;
    } else {
        return 0;
    }
    begin = at;
    end = text_end(text, begin, size, &plain, &blank);
    if (end < 0 || end == begin || !begins(text, end, size, close))
        return 0;
    PyObject *shown;
    if (is_number) {
        int shows = plain ? is_plain_style(scan, text, style) : 0;
        if (shows <= 0)
            return shows;
        shown = number_text(text, begin, end);
    } else if (is_shared) {
        long index = digits(text, begin, end);
        if (index < 0)
            return 0;
        shown = shared(scan, index);
    } else {
        shown = string(text, begin, end, plain, 0);
    }
    if (shown == NULL)
        return -1;
    if (shown == Py_None) {
        Py_DECREF(shown);
        return 0;
    }
    if (scan->texts == NULL)
        scan->texts = PyList_New(0);
    if (scan->places == NULL)
        scan->places = PyList_New(0);
    int failed = scan->texts == NULL || scan->places == NULL;
    if (!failed && !is_white(shown)) {
        PyObject *where = PyUnicode_DecodeASCII((const char *)text + place->value, place->value_end - place->value,
                                                "strict");
        PyObject *whole = where ? PyUnicode_Concat(PyTuple_GET_ITEM(scan->sheet, 2), where) : NULL;
        failed = whole == NULL || PyList_Append(scan->texts, shown) < 0 || PyList_Append(scan->places, whole) < 0;
        Py_XDECREF(where);
        Py_XDECREF(whole);
    }
    Py_DECREF(shown);
    if (failed)
        return -1;
    scan->position = end + (Py_ssize_t)strlen(close);
    if (++scan->cells >= BATCH && give_cells(scan) < 0)
        return -1;
    return 1;
}
