/* The ChinaUMS driver against the bank simulator, over both transports. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <certhall/clock.h>
#include <certhall/file.h>

#include "service/payment/chinaums.h"

static const char merchant[] = "mid = \"000000000000001\"; tid = \"00000001\"; source_id = \"1017\"; msg_src = \"WWW.CERTHALL.TEST\";"
	" key = \"sandbox-key-not-secret\"; app_id = \"demoapp\"; app_key = \"demokey-not-secret\";";

enum { LEGACY, OPEN, TRANSPORTS };

static struct {
	char folder[64];
	pid_t bank;
	unsigned port;
	int listener; /* the hall's notify_url */
	struct payment *payment[TRANSPORTS];
} test;

static struct payment *open_payment(int transport, const char *more)
{
	char text[1200];
	snprintf(text, sizeof text, "payment = { driver = \"chinaums\"; transport = \"%s\"; url = \"http://127.0.0.1:%u%s\"; %s"
		" sign_type = \"SHA256\"; sandbox = true; %s };",
		transport == LEGACY ? "legacy" : "open", test.port, transport == LEGACY ? "/netpay-route-server/api/" : "/", merchant, more);
	config_t config;
	config_init(&config);
	assert_int_equal(config_read_string(&config, text), CONFIG_TRUE);
	struct payment *payment;
	struct error err = { 0 };
	if (payment_open(config_lookup(&config, "payment"), &payment, &err) != 0)
		fail_msg("%s", err.detail);
	config_destroy(&config);
	return payment;
}

static int listen_somewhere(unsigned *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = { .tv_sec = 20 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 8) != 0
		|| getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		return -1;
	*port = ntohs(at.sin_port);
	return fd;
}

static int start(void **state)
{
	(void)state;
	char config[128], data[128], port_file[128], text[700], log[128];
	strcpy(test.folder, "/tmp/certhall-bank-test.XXXXXX");
	if (mkdtemp(test.folder) == NULL)
		return -1;
	snprintf(config, sizeof config, "%s/bank.conf", test.folder);
	snprintf(data, sizeof data, "%s/data", test.folder);
	snprintf(log, sizeof log, "%s/log", test.folder);
	snprintf(port_file, sizeof port_file, "%s/port", test.folder);
	int len = snprintf(text, sizeof text, "name = \"\u6d4b\u8bd5\"; %s", merchant);
	if (file_create(config, text, (size_t)len, NULL) != 0)
		return -1;
	const char *build = getenv("top_builddir");
	char program[FILE_PATH_MAX];
	snprintf(program, sizeof program, "%s/certhall-bank", build != NULL ? build : ".");
	test.bank = fork();
	if (test.bank == 0) {
		execl(program, program, "--config", config, "--dir", data, "--port-file", port_file, "--log", log, (char *)NULL);
		_exit(127);
	}
	struct bytes port = { 0 };
	int64_t until = clock_monotonic_ms() + 20000;
	while (file_read(port_file, 16, &port, NULL) != 0) {
		if (clock_monotonic_ms() > until || waitpid(test.bank, NULL, WNOHANG) != 0)
			return -1;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	test.port = (unsigned)strtoul((char *)port.data, NULL, 10);
	bytes_free(&port);
	unsigned notify_port;
	test.listener = listen_somewhere(&notify_port);
	snprintf(text, sizeof text, "notify_url = \"http://127.0.0.1:%u/notify\";", notify_port);
	for (int i = 0; i < TRANSPORTS; i++)
		test.payment[i] = open_payment(i, text);
	return test.listener < 0;
}

static int stop(void **state)
{
	(void)state;
	for (int i = 0; i < TRANSPORTS; i++)
		payment_free(&test.payment[i]);
	close(test.listener);
	kill(test.bank, SIGTERM);
	int status = -1;
	waitpid(test.bank, &status, 0);
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", test.folder);
	return system(command) != 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void control(const char *json)
{
	json_object *answer;
	struct error err = { 0 };
	if (chinaums_http_post((struct chinaums *)test.payment[LEGACY], "/control", json, &answer, &err) != 0)
		fail_msg("%s", err.detail);
	assert_string_equal(chinaums_read_text(answer, "errCode"), "SUCCESS");
	json_object_put(answer);
}

static struct payment_bill new_bill(struct payment *payment)
{
	static int counter;
	struct payment_bill bill = { .amount_fen = 20000, .expires = clock_now() + 600, .description = "\u8bc1\u4e66\u66f4\u65b0/\u6d4b\u8bd5" };
	char order[20];
	snprintf(order, sizeof order, "AZT%06d", __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED));
	assert_int_equal(payment_make_bill_no(payment, order, 1, bill.bill_no, NULL), 0);
	clock_date(clock_now(), bill.bill_date, sizeof bill.bill_date);
	return bill;
}

static struct payment_bill created(struct payment *payment)
{
	struct payment_bill bill = new_bill(payment);
	struct error err = { 0 };
	if (payment_bill_create(payment, &bill, &err) != 0)
		fail_msg("%s", err.detail);
	return bill;
}

static enum payment_status status_of(struct payment *payment, const struct payment_bill *bill)
{
	struct payment_result r;
	struct error err = { 0 };
	if (payment_bill_query(payment, bill, &r, &err) != 0)
		fail_msg("%s", err.detail);
	return r.status;
}

static void pay(struct payment *payment, const struct payment_bill *bill)
{
	struct error err = { 0 };
	if (payment_sandbox_pay(payment, bill, &err) != 0)
		fail_msg("%s", err.detail);
}

/* Whole of one notification's body, answered SUCCESS. */
static char *receive_notice(void)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nSUCCESS";
	static char text[16384];
	int fd = accept4(test.listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	size_t used = 0, wanted = sizeof text - 1;
	char *body = NULL;
	while (used < wanted) {
		ssize_t n = recv(fd, text + used, wanted - used, 0);
		assert_true(n > 0);
		used += (size_t)n;
		text[used] = '\0';
		if (body == NULL && (body = strstr(text, "\r\n\r\n")) != NULL) {
			body += 4;
			const char *length = strstr(text, "Content-Length: ");
			assert_non_null(length);
			wanted = (size_t)(body - text) + strtoul(length + 16, NULL, 10);
		}
	}
	assert_int_equal(send(fd, answer, strlen(answer), MSG_NOSIGNAL), strlen(answer));
	close(fd);
	return body;
}

static void a_bill_is_paid(void **state)
{
	(void)state;
	for (int i = 0; i < TRANSPORTS; i++) {
		struct payment *payment = test.payment[i];
		struct payment_bill bill = created(payment), again = bill;
		char expected[128];
		snprintf(expected, sizeof expected, "http://127.0.0.1:%u/bills/qrCode.do?id=%s", test.port, bill.qr_id);
		assert_string_equal(bill.qr_url, expected);
		again.qr_url[0] = again.qr_id[0] = '\0';
		assert_int_equal(payment_bill_create(payment, &again, NULL), 0);
		assert_string_equal(again.qr_url, bill.qr_url);
		assert_int_equal(status_of(payment, &bill), PAYMENT_UNPAID);
		control("{\"set\":{\"coupon\":500}}");
		int64_t before = clock_now();
		pay(payment, &bill);
		control("{\"set\":{\"coupon\":0}}");
		struct payment_result r;
		assert_int_equal(payment_bill_query(payment, &bill, &r, NULL), 0);
		assert_int_equal(r.status, PAYMENT_PAID);
		assert_int_equal(r.amount_fen, 20000);
		assert_int_equal(r.invoice_fen, 19500);
		assert_in_range(r.paid_at, before, clock_now());
		assert_string_equal(r.wallet, "WXPay");
		assert_memory_equal(r.transaction, "SIM", 3);
		assert_int_equal(payment_sandbox_pay(payment, &bill, NULL), ERR_ORDER_STATE);

		char *body = receive_notice(), no[PAYMENT_NO_SIZE];
		struct payment_result told;
		struct error err = { 0 };
		if (payment_notify(payment, body, strlen(body), no, &told, &err) != 0)
			fail_msg("%s", err.detail);
		assert_string_equal(no, bill.bill_no);
		assert_int_equal(told.status, PAYMENT_PAID);
		assert_int_equal(told.amount_fen, r.amount_fen);
		assert_int_equal(told.invoice_fen, r.invoice_fen);
		assert_int_equal(told.paid_at, r.paid_at);
		assert_string_equal(told.transaction, r.transaction);
		char *amount = strstr(body, "totalAmount=20000");
		assert_non_null(amount);
		amount[strlen("totalAmount=")] = '1';
		assert_int_equal(payment_notify(payment, body, strlen(body), no, &told, &err), ERR_BAD_INPUT);
	}
}

static void the_original_date_is_needed(void **state)
{
	(void)state;
	for (int i = 0; i < TRANSPORTS; i++) {
		struct payment_bill bill = created(test.payment[i]);
		clock_date(clock_now() + 86400, bill.bill_date, sizeof bill.bill_date);
		struct payment_result r;
		struct error err = { 0 };
		assert_int_equal(payment_bill_query(test.payment[i], &bill, &r, &err), ERR_PAYMENT_UNKNOWN);
		assert_int_equal(err.code, ERR_PAYMENT_UNKNOWN);
		assert_non_null(strstr(err.detail, "BILLDATE_ERROR"));
	}
}

static void closing_tells_who_was_faster(void **state)
{
	(void)state;
	for (int i = 0; i < TRANSPORTS; i++) {
		struct payment *payment = test.payment[i];
		struct payment_bill bill = created(payment);
		struct payment_result r;
		assert_int_equal(payment_bill_close(payment, &bill, &r, NULL), 0);
		assert_int_equal(r.status, PAYMENT_CLOSED);
		assert_int_equal(payment_bill_close(payment, &bill, &r, NULL), 0);
		assert_int_equal(r.status, PAYMENT_CLOSED);
		assert_int_equal(payment_sandbox_pay(payment, &bill, NULL), ERR_ORDER_STATE);
		assert_int_equal(payment_bill_create(payment, &bill, NULL), ERR_PAYMENT_UNAVAILABLE);

		control("{\"set\":{\"drop_notify\":1}}");
		bill = created(payment);
		pay(payment, &bill);
		assert_int_equal(payment_bill_close(payment, &bill, &r, NULL), 0);
		assert_int_equal(r.status, PAYMENT_PAID);
		assert_int_equal(r.amount_fen, 20000);

		bill = created(payment); /* the closing is refused */
		struct payment_bill other = bill;
		other.qr_id[10] = other.qr_id[10] == '0' ? '1' : '0';
		assert_int_equal(payment_bill_close(payment, &other, &r, NULL), ERR_PAYMENT_UNKNOWN);
		control("{\"set\":{\"fail_5xx\":1}}"); /* the closing fails, the bill is still payable */
		assert_int_equal(payment_bill_close(payment, &bill, &r, NULL), ERR_PAYMENT_UNKNOWN);
		struct payment_bill never = new_bill(payment);
		assert_int_equal(payment_bill_close(payment, &never, &r, NULL), 0);
		assert_int_equal(r.status, PAYMENT_CLOSED);
		control("{\"set\":{\"truncate\":1}}"); /* closed, but the answer is lost */
		assert_int_equal(payment_bill_close(payment, &bill, &r, NULL), 0);
		assert_int_equal(r.status, PAYMENT_CLOSED);
	}
}

static void refunds_are_made_once(void **state)
{
	(void)state;
	for (int i = 0; i < TRANSPORTS; i++) {
		struct payment *payment = test.payment[i];
		struct payment_bill bill = created(payment);
		enum payment_refund_status refund;
		struct error err = { 0 };
		char one[PAYMENT_NO_SIZE], two[PAYMENT_NO_SIZE];
		assert_int_equal(payment_make_refund_no(payment, bill.bill_no, 1, one, NULL), 0);
		assert_int_equal(payment_make_refund_no(payment, bill.bill_no, 2, two, NULL), 0);
		assert_int_equal(payment_refund(payment, &bill, one, 1, &refund, &err), ERR_PAYMENT_UNKNOWN);
		assert_non_null(strstr(err.detail, "BILL_NOT_PAID"));
		control("{\"set\":{\"drop_notify\":1}}");
		pay(payment, &bill);
		for (int n = 0; n < 2; n++) {
			assert_int_equal(payment_refund(payment, &bill, one, 5000, &refund, NULL), 0);
			assert_int_equal(refund, PAYMENT_REFUND_DONE);
		}
		assert_int_equal(status_of(payment, &bill), PAYMENT_PAID);
		assert_int_equal(payment_refund(payment, &bill, two, 15001, &refund, NULL), ERR_PAYMENT_UNKNOWN);
		control("{\"set\":{\"refund_processing\":1}}");
		assert_int_equal(payment_refund(payment, &bill, two, 15000, &refund, NULL), 0);
		assert_int_equal(refund, PAYMENT_REFUND_PROCESSING);
		assert_int_equal(payment_refund(payment, &bill, two, 15000, &refund, NULL), 0);
		assert_int_equal(refund, PAYMENT_REFUND_DONE);
		assert_int_equal(status_of(payment, &bill), PAYMENT_REFUNDED);
		/* refused as used for another amount, but the query knows it was made */
		assert_int_equal(payment_refund(payment, &bill, two, 14000, &refund, NULL), 0);
		assert_int_equal(refund, PAYMENT_REFUND_DONE);
	}
}

static void faults_are_told_apart_from_answers(void **state)
{
	(void)state;
	for (int i = 0; i < TRANSPORTS; i++) {
		struct payment *payment = test.payment[i];
		struct payment_bill bill = new_bill(payment);
		struct payment_result r;
		struct error err = { 0 };
		control("{\"set\":{\"fail_5xx\":1}}");
		assert_int_equal(payment_bill_create(payment, &bill, &err), ERR_PAYMENT_UNAVAILABLE);
		assert_non_null(strstr(err.detail, "503"));
		control("{\"set\":{\"truncate\":1}}");
		assert_int_equal(payment_bill_create(payment, &bill, &err), ERR_PAYMENT_UNAVAILABLE);
		assert_int_equal(payment_bill_create(payment, &bill, &err), 0);
		control("{\"set\":{\"status_unknown\":1}}");
		assert_int_equal(status_of(payment, &bill), PAYMENT_UNKNOWN);
		assert_int_equal(status_of(payment, &bill), PAYMENT_UNPAID);
		struct payment *hasty = open_payment(i, "notify_url = \"http://127.0.0.1:1/\"; timeout_ms = 200;");
		control("{\"set\":{\"slow_ms\":10000}}");
		int64_t began = clock_monotonic_ms();
		assert_int_equal(payment_bill_query(hasty, &bill, &r, &err), ERR_PAYMENT_UNKNOWN);
		assert_in_range(clock_monotonic_ms() - began, 150, 5000);
		control("{\"set\":{\"slow_ms\":0}}");
		payment_free(&hasty);
	}
}

static void a_wrong_key_gets_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < TRANSPORTS; i++) {
		struct payment *payment = open_payment(i, "notify_url = \"http://127.0.0.1:1/\";");
		struct chinaums *ums = (struct chinaums *)payment;
		ums->key[0] ^= 1;
		ums->app_key[0] ^= 1;
		struct payment_bill bill = new_bill(payment);
		struct error err = { 0 };
		assert_int_equal(payment_bill_create(payment, &bill, &err), ERR_PAYMENT_UNAVAILABLE);
		assert_non_null(strstr(err.detail, "SIGN_ERROR"));
		payment_free(&payment);
	}
}

static void a_code_for_another_host_is_refused(void **state)
{
	(void)state;
	struct payment *payment = open_payment(OPEN, "notify_url = \"http://127.0.0.1:1/\"; qr_hosts = [ \"qr.pay.test\" ];");
	struct payment_bill bill = new_bill(payment);
	assert_int_equal(payment_bill_create(payment, &bill, NULL), ERR_PAYMENT_UNAVAILABLE);
	assert_string_equal(bill.qr_url, "");
	payment_free(&payment);
}

static void *create_some(void *ctx)
{
	struct payment *payment = ctx;
	intptr_t failed = 0;
	for (int i = 0; i < 10; i++) {
		struct payment_bill bill = new_bill(payment);
		struct payment_result r;
		failed += payment_bill_create(payment, &bill, NULL) != 0 || payment_bill_query(payment, &bill, &r, NULL) != 0
			|| r.status != PAYMENT_UNPAID;
	}
	return (void *)failed;
}

static void many_threads_may_ask_at_once(void **state)
{
	(void)state;
	pthread_t threads[12];
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, create_some, test.payment[i % TRANSPORTS]), 0);
	for (size_t i = 0; i < 12; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bill_is_paid),
		cmocka_unit_test(the_original_date_is_needed),
		cmocka_unit_test(closing_tells_who_was_faster),
		cmocka_unit_test(refunds_are_made_once),
		cmocka_unit_test(faults_are_told_apart_from_answers),
		cmocka_unit_test(a_wrong_key_gets_nothing),
		cmocka_unit_test(a_code_for_another_host_is_refused),
		cmocka_unit_test(many_threads_may_ask_at_once),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
