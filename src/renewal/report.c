/* The doctor's report, for a person or for a program. What the checks say masks serial numbers already. */
#include <certhall/doctor.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <json-c/json.h>

#include <certhall/clock.h>
#include <certhall/i18n.h>
#include <certhall/text.h>

static const char *const state_ids[] = { "waiting", "running", "ok", "warning", "broken", "skipped" };

static void add(struct json_object *to, const char *name, const char *text)
{
	if (text[0] != '\0')
		json_object_object_add(to, name, json_object_new_string(text));
}

static char *report_json(const struct doctor *doctor)
{
	char when[24];
	struct json_object *report = json_object_new_object(), *checks = json_object_new_array();
	add(report, "program", "certhall " PACKAGE_VERSION);
	add(report, "time", clock_rfc3339(clock_now(), when, sizeof when));
	json_object_object_add(report, "status", json_object_new_int(doctor_status(doctor)));
	json_object_object_add(report, "checks", checks);
	for (int item = 0; item < CHECK_ITEMS; item++) {
		const struct check *check = doctor_check(doctor, (enum check_item)item);
		struct json_object *row = json_object_new_object();
		add(row, "id", check_item_id((enum check_item)item));
		add(row, "name", check_item_name((enum check_item)item));
		add(row, "state", state_ids[check->state]);
		add(row, "seen", check->seen);
		add(row, "cure", check->cure);
		json_object_array_add(checks, row);
	}
	const char *text = json_object_to_json_string_ext(report, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	char *copy = NULL;
	if (text != NULL && asprintf(&copy, "%s\n", text) < 0)
		copy = NULL;
	json_object_put(report);
	return copy;
}

static char *report_text(const struct doctor *doctor)
{
	char *text = NULL, when[24];
	size_t size;
	struct utsname us = { 0 };
	FILE *out = open_memstream(&text, &size);
	if (out == NULL)
		return NULL;
	uname(&us);
	fprintf(out, "certhall %s, %s %s %s, %s\n\n", PACKAGE_VERSION, us.sysname, us.release, us.machine, clock_date_time(clock_now(), when, sizeof when));
	for (int item = 0; item < CHECK_ITEMS; item++) {
		const struct check *check = doctor_check(doctor, (enum check_item)item);
		const char *name = check_item_name((enum check_item)item), *state = check_state_name(check->state);
		fprintf(out, "%2d  %s%*s  [%s]%*s  %s\n", item + 1, name, 24 - text_width(name), "", state, 14 - text_width(state), "", check->seen);
		if (check->cure[0] != '\0')
			fprintf(out, "    %*s  %*s    > %s\n", 24, "", 14, "", check->cure);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

char *doctor_report(const struct doctor *doctor, bool json)
{
	return json ? report_json(doctor) : report_text(doctor);
}
