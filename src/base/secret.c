#include <certhall/secret.h>

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <openssl/crypto.h>

enum { SECURE_HEAP = 65536, SECURE_MIN = 32 };

bool secret_init(void)
{
	static bool locked;
	const struct rlimit none = { 0, 0 };
	struct rlimit lockable;
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (CRYPTO_secure_malloc_initialized())
		return locked;
	if (getrlimit(RLIMIT_MEMLOCK, &lockable) == 0) {
		lockable.rlim_cur = lockable.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &lockable);
	}
	locked = CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_MIN) == 1; /* 2: there, and not locked */
	return locked;
}

int secret_set(struct secret *s, const char *text, size_t len)
{
	if (len > SECRET_MAX)
		return ERR_PIN_LENGTH;
	char *copy = OPENSSL_secure_malloc(SECRET_MAX + 1);
	if (copy == NULL)
		return ERR_NO_MEMORY;
	memcpy(copy, text, len);
	copy[len] = '\0';
	secret_free(s);
	s->text = copy;
	s->len = len;
	return 0;
}

void secret_move(struct secret *to, struct secret *from)
{
	secret_free(to);
	*to = *from;
	*from = (struct secret){ 0 };
}

void secret_free(struct secret *s)
{
	if (s->text != NULL)
		OPENSSL_secure_clear_free(s->text, SECRET_MAX + 1);
	*s = (struct secret){ 0 };
}

void secret_wipe(void *p, size_t len)
{
	OPENSSL_cleanse(p, len);
}
