#include <certhall/bytes.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

int bytes_append(struct bytes *b, const void *data, size_t len)
{
	if (len > BYTES_MAX - 1 || b->len > BYTES_MAX - 1 - len)
		return ERR_TOO_LARGE;
	if (b->len + len + 1 > b->room) {
		size_t room = b->room != 0 ? b->room : 256;
		while (room < b->len + len + 1)
			room *= 2;
		uint8_t *grown = realloc(b->data, room);
		if (grown == NULL)
			return ERR_NO_MEMORY;
		b->data = grown;
		b->room = room;
	}
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = 0;
	return 0;
}

int bytes_set(struct bytes *b, const void *data, size_t len)
{
	b->len = 0;
	return bytes_append(b, data, len);
}

void bytes_drop(struct bytes *b, size_t n)
{
	if (n == 0)
		return;
	if (n > b->len)
		n = b->len;
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
	b->data[b->len] = 0;
}

void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){ 0 };
}

char *base64_encode(const void *data, size_t len)
{
	if (len > BYTES_MAX)
		return NULL;
	char *out = malloc((len + 2) / 3 * 4 + 1);
	if (out != NULL)
		EVP_EncodeBlock((unsigned char *)out, data, (int)len);
	return out;
}

int base64_decode(const char *text, struct bytes *out)
{
	size_t len = strlen(text);
	if (len % 4 != 0 || len > BYTES_MAX)
		return ERR_BAD_INPUT;
	size_t pad = 0;
	while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len - pad; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '+' && text[i] != '/')
			return ERR_BAD_INPUT;
	uint8_t *raw = malloc(len + 1);
	if (raw == NULL)
		return ERR_NO_MEMORY;
	int n = len == 0 ? 0 : EVP_DecodeBlock(raw, (const unsigned char *)text, (int)len);
	int rc = n < 0 ? ERR_BAD_INPUT : bytes_set(out, raw, (size_t)n - pad);
	free(raw);
	return rc;
}

char *hex_encode(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
	return out;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_decode(const char *text, uint8_t *out, size_t size)
{
	size_t n = 0;
	for (; text[0] != '\0'; text += 2, n++) {
		int high = nibble(text[0]), low = high < 0 ? -1 : nibble(text[1]);
		if (low < 0 || n == size)
			return -1;
		out[n] = (uint8_t)(high << 4 | low);
	}
	return (int)n;
}
