/* Repeats a hash function for the key of an Office file that is encrypted with a password.

Each of 100,000 rounds hashes the number of the round and the hash before it ([MS-OFFCRYPTO] 2.3.4.11). In Python, three
quarters of the time are the objects around each hash. A round is one block here, and the state of a hash is the input
of the next as it is, so no byte is moved.

Follows FIPS 180-4: 6.1.2 (SHA-1), 6.4.2 (SHA-512), 5.1 (padding). */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#define ROTATED(x, bits, width) (((x) << (bits)) | ((x) >> ((width) - (bits))))

/* -- SHA-1: the input is 4 bytes for the number and 20 for the hash, and is padded to a block of 16 words -- */

#define LEFT(x, bits) ROTATED(x, bits, 32)
#define SCHEDULED1(i) \
    ((i) < 16 ? w[i] : (w[(i) & 15] = LEFT(w[((i) + 13) & 15] ^ w[((i) + 8) & 15] ^ w[((i) + 2) & 15] ^ w[(i) & 15], 1)))
#define CHOICE(x, y, z) ((x & (y ^ z)) ^ z)
#define PARITY(x, y, z) (x ^ y ^ z)
#define MAJORITY(x, y, z) (((x | y) & z) | (x & y))
#define STEP1(a, b, c, d, e, mix, constant, i) \
    e += mix(b, c, d) + constant + SCHEDULED1(i) + LEFT(a, 5); \
    b = LEFT(b, 30);
#define FIVE(mix, constant, i) \
    STEP1(a, b, c, d, e, mix, constant, i) \
    STEP1(e, a, b, c, d, mix, constant, i + 1) \
    STEP1(d, e, a, b, c, mix, constant, i + 2) \
    STEP1(c, d, e, a, b, mix, constant, i + 3) \
    STEP1(b, c, d, e, a, mix, constant, i + 4)
#define TWENTY(mix, constant, i) \
    FIVE(mix, constant, i) FIVE(mix, constant, i + 5) FIVE(mix, constant, i + 10) FIVE(mix, constant, i + 15)

static void sha1_rounds(uint32_t hash[5], uint32_t rounds)
{
    for (uint32_t round = 0; round < rounds; round++) {
        uint32_t w[16] = {__builtin_bswap32(round), hash[0], hash[1], hash[2], hash[3], hash[4], 0x80000000};
        w[15] = 8 * (4 + 20);
        uint32_t a = 0x67452301, b = 0xefcdab89, c = 0x98badcfe, d = 0x10325476, e = 0xc3d2e1f0;
        TWENTY(CHOICE, 0x5a827999, 0)
        TWENTY(PARITY, 0x6ed9eba1, 20)
        TWENTY(MAJORITY, 0x8f1bbcdc, 40)
        TWENTY(PARITY, 0xca62c1d6, 60)
        hash[0] = a + 0x67452301;
        hash[1] = b + 0xefcdab89;
        hash[2] = c + 0x98badcfe;
        hash[3] = d + 0x10325476;
        hash[4] = e + 0xc3d2e1f0;
    }
}

/* -- SHA-512: 4 bytes and 64, padded to a block of 16 words; each word of the input has halves of two of the hash -- */

static const uint64_t K[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};
static const uint64_t FIRST[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

#define RIGHT(x, bits) ROTATED(x, 64 - (bits), 64)
#define GIVEN(i) w[i]
#define SCHEDULED(i) \
    (w[(i) & 15] += w[((i) + 9) & 15] + \
        (RIGHT(w[((i) + 1) & 15], 1) ^ RIGHT(w[((i) + 1) & 15], 8) ^ (w[((i) + 1) & 15] >> 7)) + \
        (RIGHT(w[((i) + 14) & 15], 19) ^ RIGHT(w[((i) + 14) & 15], 61) ^ (w[((i) + 14) & 15] >> 6)))
#define STEP(a, b, c, d, e, f, g, h, i, word) \
    h += (RIGHT(e, 14) ^ RIGHT(e, 18) ^ RIGHT(e, 41)) + CHOICE(e, f, g) + K[i] + word(i); \
    d += h; \
    h += (RIGHT(a, 28) ^ RIGHT(a, 34) ^ RIGHT(a, 39)) + MAJORITY(a, b, c);
#define EIGHT(i, word) \
    STEP(a, b, c, d, e, f, g, h, i, word) \
    STEP(h, a, b, c, d, e, f, g, i + 1, word) \
    STEP(g, h, a, b, c, d, e, f, i + 2, word) \
    STEP(f, g, h, a, b, c, d, e, i + 3, word) \
    STEP(e, f, g, h, a, b, c, d, i + 4, word) \
    STEP(d, e, f, g, h, a, b, c, i + 5, word) \
    STEP(c, d, e, f, g, h, a, b, i + 6, word) \
    STEP(b, c, d, e, f, g, h, a, i + 7, word)

static void sha512_rounds(uint64_t hash[8], uint32_t rounds)
{
    for (uint32_t round = 0; round < rounds; round++) {
        uint64_t w[16] = {(uint64_t)__builtin_bswap32(round) << 32 | hash[0] >> 32};
        for (int i = 1; i < 8; i++)
            w[i] = hash[i - 1] << 32 | hash[i] >> 32;
        w[8] = hash[7] << 32 | 0x80000000;
        w[15] = 8 * (4 + 64);
        uint64_t a = FIRST[0], b = FIRST[1], c = FIRST[2], d = FIRST[3];
        uint64_t e = FIRST[4], f = FIRST[5], g = FIRST[6], h = FIRST[7];
        EIGHT(0, GIVEN)
        EIGHT(8, GIVEN)
        for (int i = 16; i < 80; i += 16) {
            EIGHT(i, SCHEDULED)
            EIGHT(i + 8, SCHEDULED)
        }
        hash[0] = a + FIRST[0];
        hash[1] = b + FIRST[1];
        hash[2] = c + FIRST[2];
        hash[3] = d + FIRST[3];
        hash[4] = e + FIRST[4];
        hash[5] = f + FIRST[5];
        hash[6] = g + FIRST[6];
        hash[7] = h + FIRST[7];
    }
}

/* -- for Python -- */

static PyObject *repeated(PyObject *self, PyObject *arguments)
{
    const unsigned char *given;
    Py_ssize_t size;
    unsigned int rounds;
    unsigned char result[64];
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y#I", &given, &size, &rounds))
        return NULL;
    if (size == 20) {
        uint32_t hash[5] = {0};
        for (int i = 0; i < size; i++)
            hash[i / 4] = hash[i / 4] << 8 | given[i];
        sha1_rounds(hash, rounds);
        for (int i = 0; i < size; i++)
            result[i] = (unsigned char)(hash[i / 4] >> (24 - 8 * (i % 4)));
    } else if (size == 64) {
        uint64_t hash[8] = {0};
        for (int i = 0; i < size; i++)
            hash[i / 8] = hash[i / 8] << 8 | given[i];
        sha512_rounds(hash, rounds);
        for (int i = 0; i < size; i++)
            result[i] = (unsigned char)(hash[i / 8] >> (56 - 8 * (i % 8)));
    } else {
        PyErr_SetString(PyExc_ValueError, "not a hash of SHA-1 or SHA-512");
        return NULL;
    }
    return PyBytes_FromStringAndSize((const char *)result, size);
}

static PyMethodDef methods[] = {
    {"repeated", repeated, METH_VARARGS, "Return a hash after that many rounds; its length says which function it is of."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "holdgate.extract.readers.office.hash_rounds",
    .m_doc = "Repeats a hash function for the key of an encrypted Office file.",
    .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_hash_rounds(void)
{
    return PyModule_Create(&module);
}
