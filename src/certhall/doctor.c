#include <certhall/doctor.h>

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "certhall/line.h"

static void on_changed(void *ctx)
{
	struct world *world = ctx;
	loop_stop(world->loop, 0);
}

int command_doctor(struct world *world, const struct options *options)
{
	struct doctor_options about = { .loop = world->loop, .hall = world->hall, .token = world->token, .settings = world->settings };
	struct winsize window;
	struct doctor *doctor;
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0) {
		about.terminal_rows = window.ws_row;
		about.terminal_cols = window.ws_col;
	}
	if (doctor_new(&about, on_changed, world, &doctor) != 0)
		return EXIT_FAILED;
	doctor_run(doctor);
	do
		loop_run(world->loop);
	while (!doctor_done(doctor));
	char *report = doctor_report(doctor, options->json);
	int status = doctor_status(doctor);
	if (report == NULL)
		status = EXIT_FAILED;
	else if (options->json)
		fputs(report, stdout);
	else
		line_say(stdout, "%s", report);
	free(report);
	doctor_free(&doctor);
	return status;
}
