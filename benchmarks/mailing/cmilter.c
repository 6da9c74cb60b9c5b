/* The ceiling for any milter: receives everything, looks at each byte of the body once, adds one header field.
 * It asks for the steps without reply, the cheapest dialogue that libmilter has.
 * cc -O2 -o cmilter cmilter.c -lmilter -lpthread; ./cmilter unix:/path */
#include <libmilter/mfapi.h>
#include <string.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/stat.h>

static sfsistat f_neg(SMFICTX *c, unsigned long a, unsigned long p, unsigned long x, unsigned long y,
                      unsigned long *oa, unsigned long *op, unsigned long *ox, unsigned long *oy) {
  (void)c; (void)a; (void)x; (void)y;
  *oa = SMFIF_ADDHDRS;
  *op = p & (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA |
             SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NOUNKNOWN);
  *ox = *oy = 0;
  return SMFIS_CONTINUE;
}
static sfsistat f_connect(SMFICTX *c, char *h, _SOCK_ADDR *a) { (void)c; (void)h; (void)a; return SMFIS_NOREPLY; }
static sfsistat f_helo(SMFICTX *c, char *h) { (void)c; (void)h; return SMFIS_NOREPLY; }
static sfsistat f_from(SMFICTX *c, char **v) { (void)c; (void)v; return SMFIS_NOREPLY; }
static sfsistat f_rcpt(SMFICTX *c, char **v) { (void)c; (void)v; return SMFIS_NOREPLY; }
static sfsistat f_data(SMFICTX *c) { (void)c; return SMFIS_NOREPLY; }
static sfsistat f_hdr(SMFICTX *c, char *n, char *v) { (void)c; (void)n; (void)v; return SMFIS_NOREPLY; }
static sfsistat f_eoh(SMFICTX *c) { (void)c; return SMFIS_NOREPLY; }
static volatile const void *sunk;
static sfsistat f_body(SMFICTX *c, unsigned char *b, size_t n) { (void)c; sunk = memchr(b, 0, n); return SMFIS_NOREPLY; }
static sfsistat f_eom(SMFICTX *c) { smfi_addheader(c, "X-Bench", "none"); return SMFIS_CONTINUE; }

int main(int argc, char **argv) {
  struct smfiDesc d = {.xxfi_name = "cmilter", .xxfi_version = SMFI_VERSION, .xxfi_flags = SMFIF_ADDHDRS,
    .xxfi_connect = f_connect, .xxfi_helo = f_helo, .xxfi_envfrom = f_from, .xxfi_envrcpt = f_rcpt,
    .xxfi_data = f_data, .xxfi_header = f_hdr, .xxfi_eoh = f_eoh, .xxfi_body = f_body, .xxfi_eom = f_eom,
    .xxfi_negotiate = f_neg};
  if (argc != 2) { fprintf(stderr, "usage: cmilter unix:/path\n"); return 2; }
  umask(0);
  smfi_setbacklog(256);
  if (smfi_setconn(argv[1]) == MI_FAILURE || smfi_register(d) == MI_FAILURE) return 1;
  return smfi_main();
}
