/* Makes one call of the hall for a test and prints what came of it, a line each: "ok ...", "error NAME PARAM", "lost NAME",
 * "stands", "order NUMBER REVISION", "progress GOT TOTAL". The test is the server.
 *
 *	hall_probe CONFIG info | standings | submit | order NUMBER | request NUMBER | help LANGUAGE KNOWN | packages | download NUMBER | follow NUMBER REVISION COUNT
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <certhall/hall.h>

static struct {
	struct loop *loop;
	struct settings settings;
	struct hall *hall;
	struct hall_call *call;
	int left;     /* orders to follow */
	int which;    /* package to download */
} probe;

static void say_error(const char *word, const struct error *err)
{
	printf("%s %s %s\n", word, error_name(err->code), err->param);
	fflush(stdout);
}

static void end(const struct error *err)
{
	if (err != NULL)
		say_error("error", err);
	loop_stop(probe.loop, err != NULL);
}

static void on_info(void *ctx, const struct error *err, const void *result)
{
	(void)ctx;
	if (err == NULL)
		printf("ok %s %" PRId64 "\n", ((const struct hall_info *)result)->name, hall_clock_offset(probe.hall));
	end(err);
}

static void on_standings(void *ctx, const struct error *err, const void *result)
{
	(void)ctx;
	if (err == NULL)
		printf("ok %zu\n", ((const struct standing_answer *)result)->certificates_count);
	end(err);
}

static void on_order(void *ctx, const struct error *err, const void *result)
{
	(void)ctx;
	const struct order *order = result;
	if (err == NULL)
		printf("ok %s %" PRId64 "\n", order->number, order->revision);
	end(err);
}

static void on_followed(void *ctx, const struct error *err, const void *result)
{
	(void)ctx;
	const struct order *order = result;
	if (order != NULL)
		printf("order %s %" PRId64 "\n", order->number, order->revision);
	else if (err->code == ERR_OK)
		puts("stands");
	else
		say_error("lost", err);
	fflush(stdout);
	bool over = order == NULL && err->code == ERR_SESSION_NEEDED;
	if (over || (order != NULL && --probe.left == 0)) {
		hall_cancel(&probe.call);
		loop_stop(probe.loop, 0);
	}
}

static void on_help(void *ctx, const struct error *err, const void *result)
{
	(void)ctx;
	const struct signed_manifest *manifest = result;
	if (err == NULL && manifest == NULL)
		puts("ok as known");
	else if (err == NULL)
		printf("ok %.*s\n", (int)manifest->manifest.len, (const char *)manifest->manifest.data);
	end(err);
}

static void on_progress(void *ctx, int64_t got, int64_t total)
{
	(void)ctx;
	printf("progress %" PRId64 " %" PRId64 "\n", got, total);
	fflush(stdout);
}

static void on_file(void *ctx, const struct error *err, const void *result)
{
	(void)ctx;
	if (err == NULL)
		printf("ok %s\n", (const char *)result);
	end(err);
}

static void on_packages(void *ctx, const struct error *err, const void *result)
{
	(void)ctx;
	const struct package_list *list = result;
	for (size_t i = 0; list != NULL && probe.which < 0 && i < list->packages_count; i++)
		printf("ok %s %s\n", list->packages[i].id, list->packages[i].file);
	if (err != NULL || probe.which < 0)
		end(err);
	else if (hall_download_package(probe.hall, &list->packages[probe.which], on_progress, on_file, NULL) == NULL)
		loop_stop(probe.loop, 1);
}

static struct hall_call *start(int argc, char **argv)
{
	static const struct standing_request standings = { 0 };
	static const struct order_request submit = { .acknowledged = true };
	static const struct cert_request request = { .role = "signing" };
	const char *what = argv[2], *number = argc > 3 ? argv[3] : "";
	probe.which = -1;
	if (strcmp(what, "info") == 0)
		return hall_get_info(probe.hall, on_info, NULL);
	if (strcmp(what, "standings") == 0)
		return hall_standings(probe.hall, &standings, on_standings, NULL);
	if (strcmp(what, "submit") == 0)
		return hall_submit_order(probe.hall, &submit, on_order, NULL);
	if (strcmp(what, "order") == 0)
		return hall_get_order(probe.hall, number, on_order, NULL);
	if (strcmp(what, "request") == 0)
		return hall_request_cert(probe.hall, number, &request, on_order, NULL);
	if (strcmp(what, "help") == 0)
		return hall_get_help(probe.hall, number, argc > 4 ? argv[4] : "", on_help, NULL);
	if (strcmp(what, "download") == 0)
		probe.which = atoi(number);
	if (strcmp(what, "packages") == 0 || strcmp(what, "download") == 0)
		return hall_get_packages(probe.hall, on_packages, NULL);
	if (strcmp(what, "follow") == 0 && argc > 5) {
		probe.left = atoi(argv[5]);
		return hall_follow_order(probe.hall, number, strtoll(argv[4], NULL, 10), on_followed, NULL);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct error err;
	signal(SIGPIPE, SIG_IGN);
	if (argc < 3)
		return 2;
	if (settings_load(argv[1], &probe.settings, &err) != 0) {
		say_error("error", &err);
		return 1;
	}
	probe.loop = loop_new();
	if (probe.loop == NULL || hall_new(probe.loop, &probe.settings, &probe.hall) != 0)
		return 2;
	probe.call = start(argc, argv);
	int status = probe.call != NULL ? loop_run(probe.loop) : 2;
	hall_free(&probe.hall);
	loop_free(&probe.loop);
	return status;
}
