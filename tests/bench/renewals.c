/*
 * Whole renewals against a hall and the bank simulator, without a token: keys in memory, certificates signed with the hall's own CA key.
 *	renewals URL TLS-CERTIFICATE CA-CERTIFICATE CA-KEY THREADS COUNT
 * Each thread makes COUNT renewals one after the other, from challenge to installed. Prints the renewals a second, the number done and
 * the milliseconds of one. With COUNT 0: makes one order, prints its number and the session's token, and has it change when a line comes.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <json-c/json.h>
#include <openssl/x509v3.h>

#include <certhall/bytes.h>
#include <certhall/pki.h>

enum { ASK_AGAIN_NS = 2000000 };

struct clerk {
	pthread_t thread;
	int number;
	CURL *hall, *bank;
	struct bytes answer;
	char token[128];
	EVP_PKEY *key;
	struct bytes cert;
	double seconds; /* of the renewals alone */
};

static const char *url, *tls_file;
static X509 *ca;
static EVP_PKEY *ca_key;
static int count;

static _Noreturn void die(const char *what, const char *more)
{
	fprintf(stderr, "renewals: %s %s\n", what, more);
	exit(1);
}

static void must(int rc, const char *what, const struct error *err)
{
	if (rc != 0)
		die(what, err != NULL ? err->detail : "");
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t take(char *data, size_t size, size_t n, void *ctx)
{
	return bytes_append(ctx, data, size * n) == 0 ? size * n : 0;
}

/* A JSON answer to a JSON request (NULL: GET); anything but success ends the program. */
static struct json_object *ask(struct clerk *clerk, const char *path, struct json_object *request)
{
	char whole[512], bearer[192];
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	snprintf(whole, sizeof whole, "%s%s", url, path);
	snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", clerk->token);
	if (clerk->token[0] != 0)
		headers = curl_slist_append(headers, bearer);
	clerk->answer.len = 0;
	curl_easy_setopt(clerk->hall, CURLOPT_URL, whole);
	curl_easy_setopt(clerk->hall, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(clerk->hall, CURLOPT_HTTPGET, 1L);
	if (request != NULL)
		curl_easy_setopt(clerk->hall, CURLOPT_COPYPOSTFIELDS, json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN));
	CURLcode code = curl_easy_perform(clerk->hall);
	long status = 0;
	curl_easy_getinfo(clerk->hall, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK || status >= 300)
		die(path, clerk->answer.len > 0 ? (char *)clerk->answer.data : curl_easy_strerror(code));
	curl_slist_free_all(headers);
	json_object_put(request);
	return json_tokener_parse((char *)clerk->answer.data);
}

static struct json_object *object(const char *name, const char *text)
{
	struct json_object *value = json_object_new_object();
	json_object_object_add(value, name, json_object_new_string(text));
	return value;
}

static void add(struct json_object *value, const char *name, const char *text)
{
	json_object_object_add(value, name, json_object_new_string(text));
}

static void add_bytes(struct json_object *value, const char *name, const struct bytes *bytes)
{
	char *text = base64_encode(bytes->data, bytes->len);
	add(value, name, text);
	free(text);
}

static const char *text_of(struct json_object *value, const char *name)
{
	struct json_object *member;
	return json_object_object_get_ex(value, name, &member) ? json_object_get_string(member) : "";
}

/* A statement for a fresh challenge of that purpose, and the request with the challenge in it. */
static struct json_object *with_challenge(struct clerk *clerk, const char *purpose, const char *order, const struct bytes *matter, struct bytes *statement)
{
	struct json_object *challenge = ask(clerk, "/v1/challenges", object("purpose", purpose));
	must(pki_statement(purpose, text_of(challenge, "audience"), order, text_of(challenge, "nonce"), matter->data, matter->len, statement), "statement", NULL);
	struct json_object *request = object("challenge", text_of(challenge, "id"));
	json_object_put(challenge);
	return request;
}

/* A certificate of the hall's CA that is due. */
static void make_due_cert(struct clerk *clerk, int n)
{
	struct error err = { 0 };
	uint8_t random[19];
	char name[64];
	unsigned char *der = NULL;
	clerk->key = pki_key_generate("ec:P-256", &err);
	snprintf(name, sizeof name, "测试 %d-%d（样票）", clerk->number, n);
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);
	must(pki_random(random, sizeof random), "random", NULL);
	random[0] &= 0x7f;
	BIGNUM *serial = BN_bin2bn(random, sizeof random, NULL);
	BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));
	BN_free(serial);
	X509_set_version(cert, X509_VERSION_3);
	X509_NAME_add_entry_by_NID(subject, NID_countryName, MBSTRING_UTF8, (const unsigned char *)"CN", -1, -1, 0);
	X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(ca));
	X509_gmtime_adj(X509_getm_notBefore(cert), -345L * 86400);
	X509_gmtime_adj(X509_getm_notAfter(cert), 20L * 86400);
	X509_set_pubkey(cert, clerk->key);
	const struct { int nid; const char *value; } extensions[] = { { NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature,nonRepudiation" }, { NID_authority_key_identifier, "keyid:always" } };
	X509V3_CTX context;
	X509V3_set_ctx(&context, ca, cert, NULL, NULL, 0);
	for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
		X509_add_ext(cert, extension, -1);
		X509_EXTENSION_free(extension);
	}
	if (X509_sign(cert, ca_key, EVP_sha256()) == 0)
		die("X509_sign", "");
	int len = i2d_X509(cert, &der);
	must(bytes_set(&clerk->cert, der, (size_t)len), "certificate", NULL);
	OPENSSL_free(der);
	X509_free(cert);
}

static void log_in(struct clerk *clerk)
{
	struct error err = { 0 };
	struct bytes statement = { 0 }, signature = { 0 };
	clerk->token[0] = 0;
	struct json_object *request = with_challenge(clerk, "login", "-", &clerk->cert, &statement);
	must(pki_sign(clerk->key, statement.data, statement.len, &signature, &err), "sign", &err);
	add_bytes(request, "certificate", &clerk->cert);
	add(request, "algorithm", pki_signature_algorithm(clerk->key));
	add_bytes(request, "signature", &signature);
	struct json_object *session = ask(clerk, "/v1/sessions", request);
	snprintf(clerk->token, sizeof clerk->token, "%s", text_of(session, "token"));
	json_object_put(session);
	bytes_free(&statement);
	bytes_free(&signature);
}

static void make_order(struct clerk *clerk, char number[32])
{
	struct json_object *applicant = object("contact", "测试人"), *request = json_object_new_object();
	add(applicant, "phone", "13800000000");
	add(applicant, "invoice_kind", "electronic");
	add(applicant, "title", "测试甲精密机械有限公司");
	add(applicant, "tax_no", "91110000MA000000X1");
	json_object_object_add(request, "applicant", applicant);
	json_object_object_add(request, "acknowledged", json_object_new_boolean(true));
	struct json_object *order = ask(clerk, "/v1/orders", request);
	snprintf(number, 32, "%s", text_of(order, "number"));
	json_object_put(order);
}

static struct json_object *ask_for_code(struct clerk *clerk, const char *number)
{
	char path[128];
	snprintf(path, sizeof path, "/v1/orders/%s/payment", number);
	return ask(clerk, path, json_object_new_object());
}

static void pay(struct clerk *clerk, const char *number)
{
	char path[128];
	struct json_object *order = ask_for_code(clerk, number), *payment = NULL;
	json_object_object_get_ex(order, "payment", &payment);
	curl_easy_setopt(clerk->bank, CURLOPT_URL, text_of(payment, "qr_url"));
	curl_easy_setopt(clerk->bank, CURLOPT_COPYPOSTFIELDS, "");
	if (curl_easy_perform(clerk->bank) != CURLE_OK)
		die("the bank", text_of(payment, "qr_url"));
	json_object_put(order);
	snprintf(path, sizeof path, "/v1/orders/%s", number);
	for (bool paid = false; !paid;) { /* the bank tells the hall by itself */
		order = ask(clerk, path, NULL);
		paid = strcmp(text_of(order, "state"), "paid") == 0;
		json_object_put(order);
		if (!paid)
			nanosleep(&(struct timespec){ .tv_nsec = ASK_AGAIN_NS }, NULL);
	}
}

static void install(struct clerk *clerk, const char *number)
{
	char path[128];
	struct error err = { 0 };
	struct bytes csr = { 0 }, statement = { 0 }, proof = { 0 }, issued = { 0 }, signature = { 0 };
	EVP_PKEY *key = pki_key_generate("ec:P-256", &err);
	must(csr_make(key, NULL, clerk->cert.data, clerk->cert.len, &csr, &err), "csr", &err);
	struct json_object *request = with_challenge(clerk, "request", number, &csr, &statement);
	must(cms_sign(clerk->key, clerk->cert.data, clerk->cert.len, statement.data, statement.len, &proof, &err), "proof", &err);
	add(request, "role", "signing");
	add_bytes(request, "csr", &csr);
	add_bytes(request, "proof", &proof);
	snprintf(path, sizeof path, "/v1/orders/%s/requests", number);
	struct json_object *order = ask(clerk, path, request), *items = NULL;
	json_object_object_get_ex(order, "items", &items);
	must(base64_decode(text_of(json_object_array_get_idx(items, 0), "certificate"), &issued), "certificate", NULL);
	json_object_put(order);

	uint8_t digest[PKI_SHA256];
	char hex[2 * PKI_SHA256 + 1];
	bytes_free(&statement);
	request = with_challenge(clerk, "install", number, &issued, &statement);
	must(pki_sign(key, statement.data, statement.len, &signature, &err), "sign", &err);
	pki_sha256(issued.data, issued.len, digest);
	add(request, "role", "signing");
	add(request, "certificate_sha256", hex_encode(digest, sizeof digest, hex));
	add(request, "algorithm", pki_signature_algorithm(key));
	add_bytes(request, "signature", &signature);
	snprintf(path, sizeof path, "/v1/orders/%s/installed", number);
	json_object_put(ask(clerk, path, request));
	struct bytes *all[] = { &csr, &statement, &proof, &issued, &signature };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		bytes_free(all[i]);
	pki_key_free(&key);
}

static void open_doors(struct clerk *clerk, struct bytes *page)
{
	clerk->hall = curl_easy_init();
	clerk->bank = curl_easy_init();
	curl_easy_setopt(clerk->hall, CURLOPT_CAINFO, tls_file);
	curl_easy_setopt(clerk->hall, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(clerk->hall, CURLOPT_WRITEDATA, &clerk->answer);
	curl_easy_setopt(clerk->bank, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(clerk->bank, CURLOPT_WRITEDATA, page);
}

static void close_doors(struct clerk *clerk, struct bytes *page)
{
	bytes_free(page);
	bytes_free(&clerk->cert);
	bytes_free(&clerk->answer);
	curl_easy_cleanup(clerk->hall);
	curl_easy_cleanup(clerk->bank);
}

static void hold_order(void)
{
	struct clerk clerk = { 0 };
	struct bytes page = { 0 };
	char number[32], line[16];
	open_doors(&clerk, &page);
	make_due_cert(&clerk, 0);
	log_in(&clerk);
	make_order(&clerk, number);
	printf("%s %s\n", number, clerk.token);
	fflush(stdout);
	if (fgets(line, sizeof line, stdin) != NULL)
		json_object_put(ask_for_code(&clerk, number));
	pki_key_free(&clerk.key);
	close_doors(&clerk, &page);
}

static void *work(void *ctx)
{
	struct clerk *clerk = ctx;
	struct bytes page = { 0 };
	open_doors(clerk, &page);
	for (int n = 0; n < count; n++) {
		char number[32];
		make_due_cert(clerk, n);
		double began = now();
		log_in(clerk);
		make_order(clerk, number);
		pay(clerk, number);
		install(clerk, number);
		clerk->seconds += now() - began;
		pki_key_free(&clerk->key);
		page.len = 0;
	}
	close_doors(clerk, &page);
	return NULL;
}

static void renew(int threads)
{
	struct clerk *clerks = calloc((size_t)threads, sizeof *clerks);
	double spent = 0;
	double began = now();
	for (int i = 0; i < threads && clerks != NULL; i++) {
		clerks[i].number = i;
		if (pthread_create(&clerks[i].thread, NULL, work, &clerks[i]) != 0)
			die("thread", "");
	}
	for (int i = 0; i < threads && clerks != NULL; i++) {
		pthread_join(clerks[i].thread, NULL);
		spent += clerks[i].seconds;
	}
	double total = now() - began;
	printf("%.1f %d %.1f\n", threads * count / total, threads * count, spent / (threads * count) * 1000);
	free(clerks);
}

int main(int argc, char **argv)
{
	if (argc != 7)
		die("usage: renewals URL TLS-CERTIFICATE CA-CERTIFICATE CA-KEY THREADS COUNT", "");
	struct error err = { 0 };
	struct bytes ca_der = { 0 };
	size_t certs = 0;
	url = argv[1];
	tls_file = argv[2];
	must(cert_file_read(argv[3], &ca_der, 1, &certs, &err), argv[3], &err);
	const unsigned char *at = ca_der.data;
	ca = d2i_X509(NULL, &at, (long)ca_der.len);
	ca_key = pki_key_read(argv[4], &err);
	int threads = atoi(argv[5]);
	count = atoi(argv[6]);
	if (ca == NULL || ca_key == NULL || threads < 1 || count < 0)
		die("nothing to do", err.detail);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (count > 0)
		renew(threads);
	else
		hold_order();
	X509_free(ca);
	pki_key_free(&ca_key);
	bytes_free(&ca_der);
	return 0;
}
