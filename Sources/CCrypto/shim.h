#include <openssl/evp.h>

/// SHA-256, without reading the system's openssl.cnf: nothing in it changes a hash, and it may name
/// modules that a program with libcrypto inside cannot load.
static inline const EVP_MD *nestwalk_sha256(void) {
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
  return EVP_sha256();
}
