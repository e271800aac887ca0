/* Inside the renewal: its table of states (states.c) and what the person does (renewal.c). */
#ifndef RENEWAL_WORKFLOW_H
#define RENEWAL_WORKFLOW_H

#include <certhall/renewal.h>

enum state {
	/* waiting for the person */
	WAIT_PIN, WAIT_DETAILS, WAIT_PAYMENT, WAIT_INSTALL, FAILED, DONE, REFUSED,
	/* logging in to the hall */
	LOGIN_SLOT, LOGIN_PIN, LOGIN_CHALLENGE, LOGIN_SIGN, LOGIN_SESSION,
	/* the order */
	ORDER_SUBMIT, ORDER_OPEN, ORDER_ASK, ORDER_CANCEL, ORDER_FETCH,
	/* the installation */
	INSTALL_SLOT, INSTALL_PIN, INSTALL_ORDER, INSTALL_KEY, INSTALL_CSR, INSTALL_ASK_NONCE, INSTALL_PROOF, INSTALL_ISSUE,
	INSTALL_CHECK, INSTALL_WRITE, INSTALL_COMPARE, INSTALL_PROVE, INSTALL_TELL_NONCE, INSTALL_SIGN, INSTALL_TELL, INSTALL_OLD,
	STATES,
	STATE_ERROR = STATES /* what took gives when the answer itself is wrong; err then says why */
};

struct renewal {
	const struct world *world;
	renewal_fn *changed;
	void *ctx;
	enum state state;
	enum state resume;       /* where a silent login leads back to; STATES: an ordinary one */
	struct error err;
	struct keyed_cert cert;
	bool has_slot, has_flags; /* has_flags: slot is as of just now */
	int retries;             /* silent logins and new challenges since the person last did something */
	struct error slot_err;
	struct loop_timer *tell;
	struct token_slot slot;
	struct secret pin;
	struct hall_call *call;  /* the request under way, when it is the hall's */
	struct hall_call *follow;
	bool followed;
	struct loop_timer *fresh_code;
	struct challenge challenge;
	struct bytes signature;  /* the last one made */
	struct bytes csr;
	struct session session;  /* its order stays empty: order has it */
	bool has_session, has_order;
	struct order order;
	struct order_request details;
	uint8_t id[TOKEN_ID];    /* CKA_ID of the new key */
	int refused;             /* algorithms the key refused, though it said it has them */
	char spki_sha256[65];    /* of the new key */
	struct bytes read_back;  /* the new certificate as the key gave it */
	bool has_new, proved;
	struct cert_info new_info;
	enum step_state steps[INSTALL_STEPS];
};

/* One row a state: what is under way, what is asked, where the outcome leads. */
struct state_row {
	const char *name;
	enum renewal_phase phase;
	const char *doing;                        /* N_(), NULL while waiting for the person */
	int step;                                 /* enum install_step, -1 outside the installation */
	void (*request)(struct renewal *renewal); /* NULL: waits for the person. Ends in workflow_outcome */
	/* Takes the answer, gives the state it leads to or STATE_ERROR; NULL: next. */
	enum state (*took)(struct renewal *renewal, const void *result, struct error *err);
	enum state next;
	enum state failed;                        /* when the request fails */
	enum state again;                         /* where to begin anew after a silent login or with a new challenge */
};
extern const struct state_row state_rows[STATES];

void workflow_enter(struct renewal *renewal, enum state state);
/* The request of the present state has ended. */
void workflow_outcome(struct renewal *renewal, const struct error *err, const void *result);
/* Has changed called from the loop: it may free the renewal. */
void workflow_tell(struct renewal *renewal);
/* Where an order's state leads when nothing is under way. */
enum state workflow_of_order(struct renewal *renewal, struct error *err);
void workflow_take_order(struct renewal *renewal, const struct order *order);
void workflow_stop(struct renewal *renewal); /* whatever is under way */
/* Follows the order from now on, or stops to. */
void payment_follow(struct renewal *renewal, bool on);
/* Those that mean that this certificate cannot be renewed (now). */
bool workflow_refuses(enum error_code code);

#endif
