/* What each check looks at. The order and the dependencies are the doctor's; here is only the judgement. */
#ifndef RENEWAL_CHECKS_H
#define RENEWAL_CHECKS_H

#include <certhall/doctor.h>
#include <certhall/pki.h>

/* What was learned so far; a check may count on what those it depends on have put here. */
struct findings {
	struct hall_info hall;
	struct token_list tokens;
	struct token_slot slot;   /* the one key */
	size_t certs_count;       /* readable ones */
	struct cert_der certs[TOKEN_CERTS];
};

void check_set(struct check *check, enum check_state state, const char *seen_fmt, ...) CH_PRINTF(3, 4);
void check_set_cure(struct check *check, const char *cure_fmt, ...) CH_PRINTF(2, 3);
void check_failed(struct check *check, const struct error *err);

void judge_terminal(const struct doctor_options *options, struct check *check);
void judge_version(const struct findings *found, struct check *check);
void judge_network(const struct doctor_options *options, const struct findings *found, struct check *check);
void judge_clock(const struct doctor_options *options, struct check *check);
void judge_component(const struct doctor_options *options, const struct findings *found, const struct error *err, struct check *check);
void judge_pcsc(const struct findings *found, struct check *check);
void judge_key_present(struct findings *found, struct check *check);
void judge_key_known(const struct findings *found, struct check *check);
void judge_pin(const struct findings *found, struct check *check);
/* Moves the readable certificates of certs into found. */
void judge_certificates(const struct doctor_options *options, struct findings *found, struct token_certs *certs, struct check *check);
void judge_order(const struct standing_answer *answer, struct check *check);
void judge_payment(const struct findings *found, struct check *check);
void judge_folder(struct check *check);

#endif
