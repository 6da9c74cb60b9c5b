/* Reads plain, well-formed XML in UTF-8 and calls Python only for what a plan asks for.

A shortcut before expat, never instead of it: what this scanner accepts means the same to expat, and at the first
thing that it does not know for certain (a DOCTYPE, CDATA, another encoding, a name outside ASCII, anything malformed)
it stops behind the last tag, and `expat.py` goes on from there with expat. So it has no error of its own to report.

Follows XML 1.0 (fifth edition): 2.2 characters, 2.3 names, 2.11 line ends, 3.1 tags, 3.3.3 attribute values, 4.6
predefined entities. Offsets and lengths are in bytes. */

#define _GNU_SOURCE /* memmem(3) */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#include "xml_text.h"

enum {
    START = 1,   /* call start() for every such element */
    END = 2,     /* call end() for every such element */
    FULL = 4,    /* give start() all attributes; else none, unless one of them is wanted */
    TEXT = 8,    /* character data inside is wanted, white space too */
    CELL = 128,  /* of a sheet: read here where it is simple (see xml_cells.h) */
    ROW = 256,   /* of a sheet: given when something in it is given */
    NO_ATTRIBUTES = 16, /* no attribute is wanted */
    VALUE = 32,  /* attributes whose names end in "val" are wanted */
    NAMED = 64,  /* an attribute with the local name "name" is wanted */
};

enum { SLOTS = 1024, MOST_NAMES = 512, MOST_ATTRIBUTES = 48, MOST_DEPTH = 1024, KEYS = 256, STYLES = 1024 };

typedef struct {
    PyObject *name; /* NULL in an empty slot */
    const char *bytes;
    Py_ssize_t length;
    int flags;
} Entry;

typedef struct {
    PyObject_HEAD
    Entry elements[SLOTS];
    Entry attributes[SLOTS];
    Entry keys[KEYS]; /* attribute names as they are written, made once; a later one takes the slot */
    PyObject *nothing;
    int otherwise; /* flags of elements that are not in the table */
    int stray;     /* character data outside TEXT elements is wanted, unless it is white space */
    int all;       /* every attribute is wanted */
} Plan;

typedef struct {
    Py_ssize_t name, name_end, value, value_end;
    int plain; /* the value has neither references nor white space but spaces */
} Attribute;

typedef struct {
    Py_ssize_t name, length;
    int flags;
} Open;

typedef struct {
    PyObject_HEAD
    Plan *plan;
    PyObject *data, *start, *end, *characters;
    Py_ssize_t position;
    int depth, inside; /* open elements, and how many of them are TEXT */
    int deepest;
    int flush;  /* character data was given: the next tag is given, too */
    int begun;  /* the root element was seen */
    Py_ssize_t text, text_end; /* character data that is given when the tag behind it is read; -1 if none */
    int text_plain, text_given;
    PyObject *sheet;          /* (strings, used, prefix, is_plain, take), None if cells are given one by one */
    PyObject *texts, *places; /* of the simple cells that were not given yet */
    Py_ssize_t cells;
    PyObject *row; /* the attributes of the row that was not given yet */
    unsigned char styles[STYLES];
    Open stack[MOST_DEPTH];
} Scan;

static uint32_t hash(const char *bytes, Py_ssize_t length)
{
    uint32_t value = 2166136261u;
    for (Py_ssize_t index = 0; index < length; index++)
        value = (value ^ (unsigned char)bytes[index]) * 16777619u;
    return value ^ (value >> 15);
}

static const Entry *find(const Entry *table, const char *bytes, Py_ssize_t length)
{
    for (uint32_t slot = hash(bytes, length) % SLOTS;; slot = (slot + 1) % SLOTS) {
        const Entry *entry = table + slot;
        if (entry->name == NULL)
            return NULL;
        if (entry->length == length && memcmp(entry->bytes, bytes, length) == 0)
            return entry;
    }
}

static int insert(Entry *table, PyObject *name, int flags)
{
    Py_ssize_t length;
    const char *bytes = PyUnicode_AsUTF8AndSize(name, &length);
    if (bytes == NULL)
        return -1;
    uint32_t slot = hash(bytes, length) % SLOTS;
    while (table[slot].name != NULL)
        slot = (slot + 1) % SLOTS;
    table[slot] = (Entry){Py_NewRef(name), bytes, length, flags};
    return 0;
}

/* ---- the plan ---- */

static void plan_free(Plan *plan)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        Py_XDECREF(plan->elements[slot].name);
        Py_XDECREF(plan->attributes[slot].name);
    }
    for (int slot = 0; slot < KEYS; slot++)
        Py_XDECREF(plan->keys[slot].name);
    Py_XDECREF(plan->nothing);
    Py_TYPE(plan)->tp_free((PyObject *)plan);
}

static PyObject *plan_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"elements", "attributes", "otherwise", "stray", "all", NULL};
    PyObject *elements, *attributes;
    int otherwise, stray, all;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!O!ipp", names, &PyDict_Type, &elements, &PyFrozenSet_Type,
                                     &attributes, &otherwise, &stray, &all))
        return NULL;
    if (PyDict_Size(elements) > MOST_NAMES || PySet_Size(attributes) > MOST_NAMES) {
        PyErr_SetString(PyExc_ValueError, "too many names for a plan");
        return NULL;
    }
    Plan *plan = (Plan *)type->tp_alloc(type, 0);
    if (plan == NULL)
        return NULL;
    plan->otherwise = otherwise;
    plan->stray = stray;
    plan->all = all;
    plan->nothing = PyDict_New();
    PyObject *name, *flags;
    Py_ssize_t place = 0;
    int failed = plan->nothing == NULL;
    while (!failed && PyDict_Next(elements, &place, &name, &flags))
        failed = insert(plan->elements, name, (int)PyLong_AsLong(flags)) < 0 || PyErr_Occurred() != NULL;
    PyObject *iterator = failed ? NULL : PyObject_GetIter(attributes);
    failed = iterator == NULL;
    while (!failed && (name = PyIter_Next(iterator)) != NULL) {
        failed = insert(plan->attributes, name, 0) < 0;
        Py_DECREF(name);
    }
    Py_XDECREF(iterator);
    if (failed || PyErr_Occurred()) {
        Py_DECREF(plan);
        return NULL;
    }
    return (PyObject *)plan;
}

static PyTypeObject PlanType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "holdgate.extract.readers.texts.xml_scan.Plan",
    .tp_doc = "What a handler wants of a document.",
    .tp_basicsize = sizeof(Plan),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = plan_new,
    .tp_dealloc = (destructor)plan_free,
};

/* ---- tags ---- */

#define BYTES(scan) ((const unsigned char *)PyBytes_AS_STRING((scan)->data))

static Py_ssize_t name_end(const unsigned char *text, Py_ssize_t at, Py_ssize_t size)
{
    if (at >= size || !(kind[text[at]] & BEGINS))
        return at;
    while (at < size && kind[text[at]] & NAME)
        at++;
    return at < size && text[at] < 0x80 ? at : -1;
}

static Py_ssize_t skip_space(const unsigned char *text, Py_ssize_t at, Py_ssize_t size)
{
    while (at < size && kind[text[at]] & SPACE)
        at++;
    return at;
}

/* Returns where the local part of a name begins: behind its first colon. */
static Py_ssize_t local(const unsigned char *text, Py_ssize_t begin, Py_ssize_t end)
{
    const unsigned char *colon = memchr(text + begin, ':', end - begin);
    return colon ? colon - text + 1 : begin;
}

/* Reads a quoted value whose quote is at `at`; returns where it ends, -1 if it has something unknown. */
static Py_ssize_t read_value(const unsigned char *text, Py_ssize_t at, Py_ssize_t size, int *plain)
{
    unsigned char quote = text[at++];
    *plain = 1;
    while (at < size) {
        unsigned char byte = text[at];
        if (!(kind[byte] & LOOK)) {
            at++;
        } else if (byte == quote) {
            return at;
        } else if (byte == '<') {
            return -1;
        } else if (byte == '&') {
            uint32_t code;
            Py_ssize_t length = reference(text, at, size, &code);
            if (length == 0)
                return -1;
            *plain = 0;
            at += length;
        } else {
            Py_ssize_t length = character(text, at, size);
            if (length == 0)
                return -1;
            if (byte < 0x20)
                *plain = 0;
            at += length;
        }
    }
    return -1;
}

static int is_wanted(const Plan *plan, const unsigned char *text, const Attribute *one, int flags)
{
    const char *name = (const char *)text + one->name;
    Py_ssize_t length = one->name_end - one->name;
    if (flags & NO_ATTRIBUTES)
        return 0;
    if (flags & VALUE && length >= 3 && memcmp(name + length - 3, "val", 3) == 0)
        return 1;
    if (length >= 5 && memcmp(name, "xmlns", 5) == 0)
        return 0;
    if (plan->all)
        return 1;
    Py_ssize_t begin = local(text, one->name, one->name_end);
    name = (const char *)text + begin;
    length = one->name_end - begin;
    if (flags & NAMED && length == 4 && memcmp(name, "name", 4) == 0)
        return 1;
    return find(plan->attributes, name, length) != NULL;
}

/* Returns the name of an attribute as it is written, from those that were made before if it can. */
static PyObject *key(Plan *plan, const char *bytes, Py_ssize_t length)
{
    Entry *entry = plan->keys + hash(bytes, length) % KEYS;
    if (entry->name != NULL && entry->length == length && memcmp(entry->bytes, bytes, length) == 0)
        return Py_NewRef(entry->name);
    PyObject *name = PyUnicode_DecodeASCII(bytes, length, "strict");
    const char *own = name ? PyUnicode_AsUTF8AndSize(name, &length) : NULL;
    if (own == NULL) {
        Py_XDECREF(name);
        return NULL;
    }
    Py_XSETREF(entry->name, Py_NewRef(name));
    entry->bytes = own;
    entry->length = length;
    return name;
}

static PyObject *attributes_of(Scan *scan, const Attribute *attributes, int count)
{
    const unsigned char *text = BYTES(scan);
    PyObject *result = PyDict_New();
    for (int index = 0; result != NULL && index < count; index++) {
        const Attribute *one = attributes + index;
        PyObject *name = key(scan->plan, (const char *)text + one->name, one->name_end - one->name);
        PyObject *value = string(text, one->value, one->value_end, one->plain, 1);
        if (name == NULL || value == NULL || PyDict_SetItem(result, name, value) < 0)
            Py_CLEAR(result);
        Py_XDECREF(name);
        Py_XDECREF(value);
    }
    return result;
}

static PyObject *element_name(const Entry *entry, const unsigned char *text, Py_ssize_t begin, Py_ssize_t end)
{
    return entry ? Py_NewRef(entry->name) : PyUnicode_DecodeASCII((const char *)text + begin, end - begin, "strict");
}

static int call(PyObject *function, PyObject *first, PyObject *second)
{
    PyObject *arguments[] = {NULL, first, second};
    size_t count = second ? 2 : 1;
    PyObject *result = PyObject_Vectorcall(function, arguments + 1, count | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

/* What a step comes to: go on, stop before it, or a Python exception. */
enum { GOES_ON = 1, STOPS = 0, RAISES = -1 };

static int is(const unsigned char *text, Py_ssize_t begin, Py_ssize_t end, const char *word)
{
    return (Py_ssize_t)strlen(word) == end - begin && memcmp(text + begin, word, end - begin) == 0;
}

static int give_cells(Scan *scan);

/* Gives the character data before a tag that is good. */
static int give_text(Scan *scan)
{
    Py_ssize_t begin = scan->text, end = scan->text_end;
    scan->text = -1;
    if (begin < 0 || !scan->text_given)
        return 0;
    if (give_cells(scan) < 0)
        return -1;
    const unsigned char *text = BYTES(scan);
    PyObject *given = string(text, begin, end, scan->text_plain, 0);
    scan->flush = 1;
    int failed = given == NULL || call(scan->characters, given, NULL) < 0;
    Py_XDECREF(given);
    return failed ? -1 : 0;
}

#include "xml_cells.h"

static int end_element(Scan *scan, const Entry *entry, Py_ssize_t begin, Py_ssize_t end)
{
    int flags = entry ? entry->flags : scan->plan->otherwise;
    if (flags & END || scan->flush) {
        scan->flush = 0;
        if (give_cells(scan) < 0)
            return RAISES;
        PyObject *name = element_name(entry, BYTES(scan), begin, end);
        int failed = name == NULL || call(scan->end, name, NULL) < 0;
        Py_XDECREF(name);
        if (failed)
            return RAISES;
    }
    return GOES_ON;
}

static int opened(Scan *scan, Py_ssize_t begin, Py_ssize_t end, int flags)
{
    scan->stack[scan->depth++] = (Open){begin, end - begin, flags};
    scan->inside += (flags & TEXT) != 0;
    return GOES_ON;
}

/* Reads the start tag that begins at `at`. */
static int start_tag(Scan *scan, Py_ssize_t at, Py_ssize_t size)
{
    const unsigned char *text = BYTES(scan);
    Attribute attributes[MOST_ATTRIBUTES];
    int count = 0, wanted = 0;
    Py_ssize_t begin = at + 1, end = name_end(text, begin, size);
    if (end <= begin || scan->depth >= scan->deepest || (scan->depth == 0 && scan->begun))
        return STOPS;
    Py_ssize_t plain = local(text, begin, end);
    const Entry *entry = find(scan->plan->elements, (const char *)text + plain, end - plain);
    int flags = entry ? entry->flags : scan->plan->otherwise;
    for (at = end;;) {
        Py_ssize_t behind = skip_space(text, at, size);
        if (behind >= size)
            return STOPS;
        if (text[behind] == '>' || text[behind] == '/') {
            at = behind;
            break;
        }
        Attribute *one = attributes + count;
        if (behind == at || count == MOST_ATTRIBUTES)
            return STOPS;
        one->name = behind;
        one->name_end = name_end(text, behind, size);
        if (one->name_end <= one->name)
            return STOPS;
        at = skip_space(text, one->name_end, size);
        if (at >= size || text[at] != '=')
            return STOPS;
        at = skip_space(text, at + 1, size);
        if (at >= size || (text[at] != '"' && text[at] != '\''))
            return STOPS;
        one->value = at + 1;
        one->value_end = read_value(text, at, size, &one->plain);
        if (one->value_end < 0)
            return STOPS;
        at = one->value_end + 1;
        Py_ssize_t length = one->name_end - one->name;
        for (int index = 0; index < count; index++)
            if (attributes[index].name_end - attributes[index].name == length &&
                memcmp(text + attributes[index].name, text + one->name, length) == 0)
                return STOPS;
        count++;
        if (!wanted && !(flags & FULL) && one->value_end > one->value)
            wanted = is_wanted(scan->plan, text, one, flags);
    }
    int empty = text[at] == '/';
    if (empty && (++at >= size || text[at] != '>'))
        return STOPS;
    at++;
    scan->begun = 1;
    scan->position = at;
    if (give_text(scan) < 0)
        return RAISES;
    if (flags & (CELL | ROW) && scan->sheet != Py_None && !scan->flush && !empty) {
        int taken = flags & CELL ? read_cell(scan, attributes, count, size) : keep_row(scan, attributes, count);
        if (taken < 0)
            return RAISES;
        if (taken && flags & CELL)
            return GOES_ON;
        if (taken)
            return opened(scan, begin, end, flags);
    }
    if (flags & START || wanted || scan->flush) {
        scan->flush = 0;
        if (give_cells(scan) < 0 || give_row(scan) < 0)
            return RAISES;
        PyObject *name = element_name(entry, text, plain, end);
        PyObject *given = count && (wanted || flags & FULL) ? attributes_of(scan, attributes, count)
                                                            : Py_NewRef(scan->plan->nothing);
        int failed = name == NULL || given == NULL || call(scan->start, name, given) < 0;
        Py_XDECREF(name);
        Py_XDECREF(given);
        if (failed)
            return RAISES;
    }
    if (empty)
        return end_element(scan, entry, plain, end);
    return opened(scan, begin, end, flags);
}

static int end_tag(Scan *scan, Py_ssize_t at, Py_ssize_t size)
{
    const unsigned char *text = BYTES(scan);
    if (scan->depth == 0)
        return STOPS;
    const Open *open = scan->stack + scan->depth - 1;
    Py_ssize_t begin = at + 2, end = begin + open->length;
    if (end >= size || memcmp(text + begin, text + open->name, open->length) != 0)
        return STOPS;
    at = skip_space(text, end, size);
    if (at >= size || text[at] != '>')
        return STOPS;
    scan->position = at + 1;
    if (give_text(scan) < 0)
        return RAISES;
    scan->depth--;
    scan->inside -= (open->flags & TEXT) != 0;
    begin = local(text, begin, end);
    return end_element(scan, find(scan->plan->elements, (const char *)text + begin, end - begin), begin, end);
}

/* Reads the comment or processing instruction at `at`; returns where it ends, -1 where it is anything else. */
static Py_ssize_t aside(const unsigned char *text, Py_ssize_t at, Py_ssize_t size)
{
    const char *stop = "?>";
    if (size - at >= 4 && memcmp(text + at, "<!--", 4) == 0) {
        stop = "--";
        at += 4;
    } else if (text[at + 1] == '?') {
        Py_ssize_t end = name_end(text, at + 2, size);
        if (end <= at + 2 || (end == at + 5 && PyOS_strnicmp((const char *)text + at + 2, "xml", 3) == 0))
            return -1;
        if (!(kind[text[end]] & SPACE) && !(end + 1 < size && memcmp(text + end, "?>", 2) == 0))
            return -1;
        at = end;
    } else {
        return -1;
    }
    while (at + 2 < size && memcmp(text + at, stop, 2) != 0) {
        Py_ssize_t length = character(text, at, size);
        if (length == 0)
            return -1;
        at += length;
    }
    if (stop[0] == '?')
        return at + 2 <= size && memcmp(text + at, stop, 2) == 0 ? at + 2 : -1;
    return at + 2 < size && text[at + 2] == '>' ? at + 3 : -1;
}

/* Reads character data from the scan's position on, to be given where it is wanted. */
static int read_text(Scan *scan, Py_ssize_t size)
{
    const unsigned char *text = BYTES(scan);
    int plain, blank;
    Py_ssize_t begin = scan->position, at = text_end(text, begin, size, &plain, &blank);
    if (at < 0)
        return STOPS;
    if (at == begin)
        return GOES_ON;
    if (scan->depth == 0) {
        if (!blank)
            return STOPS;
        scan->position = at;
        return GOES_ON;
    }
    int given_on = scan->inside || scan->plan->stray;
    /* Text goes on behind a comment and in CDATA: expat joins them. */
    if (at + 1 >= size || (given_on && (text[at + 1] == '!' || text[at + 1] == '?')))
        return STOPS;
    scan->text = begin;
    scan->text_end = scan->position = at;
    scan->text_plain = plain;
    scan->text_given = given_on && (scan->inside || !blank);
    return GOES_ON;
}

/* Passes over a byte order mark and an XML declaration (2.8) of version 1.0 in UTF-8. */
static int read_declaration(Scan *scan, Py_ssize_t size)
{
    const unsigned char *text = BYTES(scan);
    Py_ssize_t at = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    if (size - at < 6 || memcmp(text + at, "<?xml", 5) != 0 || !(kind[text[at + 5]] & SPACE)) {
        scan->position = at;
        return GOES_ON;
    }
    static const char *const names[] = {"version", "encoding", "standalone"};
    int next = 0;
    at += 5;
    for (;;) {
        Py_ssize_t behind = skip_space(text, at, size);
        if (size - behind < 2)
            return STOPS;
        if (text[behind] == '?' && text[behind + 1] == '>' && next > 0) {
            scan->position = behind + 2;
            return GOES_ON;
        }
        Py_ssize_t end = name_end(text, behind, size);
        if (behind == at || end <= behind)
            return STOPS;
        while (next < 3 && !is(text, behind, end, names[next])) {
            if (next == 0)
                return STOPS;
            next++;
        }
        at = skip_space(text, end, size);
        if (next == 3 || at >= size || text[at] != '=')
            return STOPS;
        at = skip_space(text, at + 1, size);
        if (at >= size || (text[at] != '"' && text[at] != '\''))
            return STOPS;
        unsigned char quote = text[at++];
        const unsigned char *close = memchr(text + at, quote, size - at);
        if (close == NULL)
            return STOPS;
        Py_ssize_t until = close - text;
        int utf8 = until - at == 5 && PyOS_strnicmp((const char *)text + at, "utf-8", 5) == 0;
        int good = next == 0   ? is(text, at, until, "1.0")
                   : next == 1 ? utf8
                               : is(text, at, until, "yes") || is(text, at, until, "no");
        if (!good)
            return STOPS;
        at = until + 1;
        next++;
    }
}

/* ---- the scan ---- */

static int scan_clear(Scan *scan)
{
    Py_CLEAR(scan->plan);
    Py_CLEAR(scan->data);
    Py_CLEAR(scan->start);
    Py_CLEAR(scan->end);
    Py_CLEAR(scan->characters);
    Py_CLEAR(scan->sheet);
    Py_CLEAR(scan->texts);
    Py_CLEAR(scan->places);
    Py_CLEAR(scan->row);
    return 0;
}

static int scan_traverse(Scan *scan, visitproc visit, void *arg)
{
    Py_VISIT(scan->start);
    Py_VISIT(scan->end);
    Py_VISIT(scan->characters);
    Py_VISIT(scan->sheet);
    return 0;
}

static void scan_free(Scan *scan)
{
    PyObject_GC_UnTrack(scan);
    scan_clear(scan);
    Py_TYPE(scan)->tp_free((PyObject *)scan);
}

static PyObject *scan_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"plan", "data", "deepest", "start", "end", "characters", "sheet", NULL};
    PyObject *plan, *data, *start, *end, *characters, *sheet;
    int deepest;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!O!iOOOO", names, &PlanType, &plan, &PyBytes_Type, &data,
                                     &deepest, &start, &end, &characters, &sheet))
        return NULL;
    if (sheet != Py_None && !is_sheet(sheet)) {
        PyErr_SetString(PyExc_TypeError, "a sheet is (strings, used, prefix, is_plain, take)");
        return NULL;
    }
    Scan *scan = (Scan *)type->tp_alloc(type, 0);
    if (scan == NULL)
        return NULL;
    scan->plan = (Plan *)Py_NewRef(plan);
    scan->data = Py_NewRef(data);
    scan->start = Py_NewRef(start);
    scan->end = Py_NewRef(end);
    scan->characters = Py_NewRef(characters);
    scan->sheet = Py_NewRef(sheet);
    scan->text = -1;
    scan->deepest = deepest < MOST_DEPTH ? deepest : MOST_DEPTH;
    return (PyObject *)scan;
}

static PyObject *scan_run(Scan *scan, PyObject *argument)
{
    Py_ssize_t size = PyBytes_GET_SIZE(scan->data), most = PyLong_AsSsize_t(argument);
    if (most == -1 && PyErr_Occurred())
        return NULL;
    const unsigned char *text = BYTES(scan);
    Py_ssize_t until = most < size - scan->position ? scan->position + most : size;
    int goes = scan->position == 0 ? read_declaration(scan, size) : GOES_ON;
    while (goes == GOES_ON && scan->position < until) {
        Py_ssize_t at = scan->position;
        if (text[at] != '<') {
            goes = read_text(scan, size);
        } else if (at + 1 >= size) {
            goes = STOPS;
        } else if (text[at + 1] == '/') {
            goes = end_tag(scan, at, size);
        } else if (text[at + 1] == '!' || text[at + 1] == '?') {
            at = aside(text, at, size);
            goes = at < 0 ? STOPS : GOES_ON;
            if (goes)
                scan->position = at;
        } else {
            goes = start_tag(scan, at, size);
        }
    }
    if (goes == RAISES || give_cells(scan) < 0 || (goes == STOPS && give_row(scan) < 0))
        return NULL;
    return PyBool_FromLong(goes == GOES_ON && scan->position < size);
}

static PyObject *scan_position(Scan *scan, void *unused)
{
    (void)unused;
    return PyLong_FromSsize_t(scan->text < 0 ? scan->position : scan->text);
}

static PyObject *scan_depth(Scan *scan, void *unused)
{
    (void)unused;
    return PyLong_FromLong(scan->depth);
}

static PyObject *scan_finished(Scan *scan, void *unused)
{
    (void)unused;
    return PyBool_FromLong(scan->begun && scan->depth == 0 && scan->position == PyBytes_GET_SIZE(scan->data));
}

static PyMethodDef scan_methods[] = {
    {"run", (PyCFunction)scan_run, METH_O, "Read that many bytes; tell whether there is more to read."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef scan_values[] = {
    {"position", (getter)scan_position, NULL, "Where the last tag ended that was read.", NULL},
    {"depth", (getter)scan_depth, NULL, "The elements that are open there.", NULL},
    {"finished", (getter)scan_finished, NULL, "Whether that is a whole document.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyTypeObject ScanType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "holdgate.extract.readers.texts.xml_scan.Scan",
    .tp_doc = "One reading of a document.",
    .tp_basicsize = sizeof(Scan),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = scan_new,
    .tp_dealloc = (destructor)scan_free,
    .tp_traverse = (traverseproc)scan_traverse,
    .tp_clear = (inquiry)scan_clear,
    .tp_methods = scan_methods,
    .tp_getset = scan_values,
};

/* contains_any(data, words): whether one of the words, a tuple of bytes, occurs in the data. */
static PyObject *contains_any(PyObject *unused, PyObject *args)
{
    Py_buffer data;
    PyObject *words;
    (void)unused;
    if (!PyArg_ParseTuple(args, "y*O!:contains_any", &data, &PyTuple_Type, &words))
        return NULL;
    int found = 0;
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(words) && !found; at++) {
        char *word;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(words, at), &word, &length) < 0) {
            PyBuffer_Release(&data);
            return NULL;
        }
        found = memmem(data.buf, (size_t)data.len, word, (size_t)length) != NULL;
    }
    PyBuffer_Release(&data);
    return PyBool_FromLong(found);
}

static PyMethodDef module_functions[] = {
    {"contains_any", contains_any, METH_VARARGS, "Whether one of the words, a tuple of bytes, occurs in the data."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "holdgate.extract.readers.texts.xml_scan",
    .m_doc = "Reads plain XML and calls Python only for what a plan asks for.",
    .m_size = -1,
    .m_methods = module_functions,
};

PyMODINIT_FUNC PyInit_xml_scan(void)
{
    make_kinds();
    if (PyType_Ready(&PlanType) < 0 || PyType_Ready(&ScanType) < 0)
        return NULL;
    PyObject *result = PyModule_Create(&module);
    if (result == NULL)
        return NULL;
    if (PyModule_AddObjectRef(result, "Plan", (PyObject *)&PlanType) < 0 ||
        PyModule_AddObjectRef(result, "Scan", (PyObject *)&ScanType) < 0) {
        Py_DECREF(result);
        return NULL;
    }
    return result;
}
