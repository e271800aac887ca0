#include <certhall/signin.h>

#include <stdlib.h>
#include <string.h>

struct signin {
	const struct world *world;
	signin_fn *done;
	void *ctx;
	struct bytes der;
	char serial[32], label[64], algorithm[32];
	uint64_t slot;
	bool open;               /* logged in to the key */
	struct secret pin;
	struct challenge challenge;
	struct hall_call *call;
};

static void end(struct signin *s, const struct error *err)
{
	signin_fn *done = s->done;
	void *ctx = s->ctx;
	struct error kept = err != NULL ? *err : (struct error){ 0 };
	signin_cancel(&s);
	done(ctx, err != NULL ? &kept : NULL);
}

static void failed(struct signin *s, enum error_code code, const char *what)
{
	struct error err;
	error_set(&err, code, NULL, "%s", what);
	end(s, &err);
}

static void on_session(void *ctx, const struct error *err, const void *result)
{
	struct signin *s = ctx;
	(void)result;
	s->call = NULL;
	end(s, err);
}

static void on_signature(void *ctx, const struct error *err, const struct bytes *signature)
{
	struct signin *s = ctx;
	if (err != NULL) {
		end(s, err);
		return;
	}
	struct session_request request = { .purpose = "service", .certificate = s->der, .signature = *signature }; /* lent */
	memcpy(request.challenge, s->challenge.id, sizeof request.challenge);
	memcpy(request.algorithm, s->algorithm, sizeof request.algorithm);
	s->call = hall_login(s->world->hall, &request, on_session, s);
	if (s->call == NULL)
		failed(s, ERR_NO_MEMORY, "session");
}

static void on_challenge(void *ctx, const struct error *err, const void *result)
{
	struct signin *s = ctx;
	struct bytes statement = { 0 };
	s->call = NULL;
	if (err != NULL) {
		end(s, err);
		return;
	}
	s->challenge = *(const struct challenge *)result;
	if (pki_statement("service", s->challenge.audience, "-", s->challenge.nonce, s->der.data, s->der.len, &statement) != 0)
		failed(s, ERR_NO_MEMORY, "statement");
	else
		token_sign(s->world->token, s->slot, &s->der, statement.data, statement.len, on_signature, s);
	bytes_free(&statement);
}

static void on_open(void *ctx, const struct error *err)
{
	struct signin *s = ctx;
	if (err != NULL) {
		end(s, err);
		return;
	}
	s->open = true;
	s->call = hall_challenge(s->world->hall, "service", on_challenge, s);
	if (s->call == NULL)
		failed(s, ERR_NO_MEMORY, "challenge");
}

/* The same key as was looked at, wherever it is plugged in now. */
static void on_list(void *ctx, const struct error *err, const struct token_list *list)
{
	struct signin *s = ctx;
	if (err != NULL) {
		end(s, err);
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->slots[i].serial, s->serial) == 0 && strcmp(list->slots[i].label, s->label) == 0) {
			s->slot = list->slots[i].id;
			token_login(s->world->token, s->slot, &s->pin, on_open, s);
			return;
		}
	failed(s, list->count == 0 ? ERR_TOKEN_ABSENT : ERR_TOKEN_NO_KEY, "not this key");
}

struct signin *signin_start(const struct world *world, const struct keyed_cert *cert, struct secret *pin, signin_fn *done, void *ctx)
{
	struct signin *s = calloc(1, sizeof *s);
	if (s == NULL || bytes_set(&s->der, cert->der.data, cert->der.len) != 0) {
		free(s);
		return NULL;
	}
	s->world = world;
	s->done = done;
	s->ctx = ctx;
	memcpy(s->serial, cert->slot_serial, sizeof s->serial);
	memcpy(s->label, cert->slot_label, sizeof s->label);
	renewal_signature_algorithm(&cert->info, s->algorithm, sizeof s->algorithm);
	secret_move(&s->pin, pin);
	token_list(world->token, on_list, s);
	return s;
}

void signin_cancel(struct signin **signin)
{
	struct signin *s = *signin;
	*signin = NULL;
	if (s == NULL)
		return;
	hall_cancel(&s->call);
	token_forget(s->world->token, s);
	if (s->open)
		token_logout(s->world->token, s->slot, NULL, NULL);
	secret_free(&s->pin);
	bytes_free(&s->der);
	free(s);
}
