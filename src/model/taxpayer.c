#include <certhall/model.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <certhall/i18n.h>

static const char uscc_alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/* Unified social credit code, GB 32100-2015: weights 3^(i-1) mod 31; the check value 31 is written 0. */
static bool uscc_check(const char *code)
{
	int sum = 0, weight = 1;
	for (int i = 0; i < 17; i++, weight = weight * 3 % 31) {
		const char *at = strchr(uscc_alphabet, code[i]);
		sum += (int)(at - uscc_alphabet) * weight;
	}
	return code[17] == uscc_alphabet[(31 - sum % 31) % 31];
}

/* Identity number, GB 11643-1999: check digit and a date that exists. */
static bool identity_check(const char *id)
{
	static const int weights[] = { 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2 };
	int sum = 0, year, month, day;
	for (int i = 0; i < 17; i++) {
		if (!isdigit((unsigned char)id[i]))
			return false;
		sum += (id[i] - '0') * weights[i];
	}
	if (id[17] != "10X98765432"[sum % 11] || sscanf(id + 6, "%4d%2d%2d", &year, &month, &day) != 3)
		return false;
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = 12 };
	return timegm(&tm) != -1 && tm.tm_mon == month - 1 && tm.tm_mday == day && year >= 1800;
}

/* Business registration number, GS 15-2006: ISO 7064 MOD 11,10. */
static bool registration_check(const char *number)
{
	int p = 10;
	for (int i = 0; i < 14; i++) {
		int s = (p + number[i] - '0') % 10;
		p = (s == 0 ? 10 : s) * 2 % 11;
	}
	return (p + number[14] - '0') % 10 == 1;
}

static enum check_verdict wrong(char *say, size_t size, const char *text)
{
	snprintf(say, size, "%s", text);
	return CHECK_WRONG;
}

static enum check_verdict confirm(char *say, size_t size, const char *text)
{
	snprintf(say, size, "%s", text);
	return CHECK_CONFIRM;
}

static enum check_verdict check_uscc(const char *code, char *say, size_t size)
{
	size_t odd = strspn(code, uscc_alphabet);
	if (code[odd] != '\0') {
		static const char from[] = "IOSZV", to[] = "1052U";
		const char *hint = strchr(from, code[odd]);
		if (hint != NULL)
			snprintf(say, size, _("A credit code has no letter %c (digit %zu). Is it %c?"), code[odd], odd + 1, to[hint - from]);
		else
			snprintf(say, size, _("A credit code cannot contain \"%c\" (digit %zu)."), code[odd], odd + 1);
		return CHECK_WRONG;
	}
	for (int i = 2; i < 8; i++)
		if (!isdigit((unsigned char)code[i]))
			return wrong(say, size, _("Digits 3 to 8 of a credit code are numbers."));
	if (!uscc_check(code)) /* early codes of one province fail this and are real */
		return confirm(say, size, _("The check digit does not fit. Compare it with the business licence."));
	return CHECK_GOOD;
}

enum check_verdict check_tax_no(const char *value, char *say, size_t size)
{
	size_t len = strlen(value);
	for (const char *p = value; *p != '\0'; p++)
		if (!isdigit((unsigned char)*p) && !(*p >= 'A' && *p <= 'Z'))
			return wrong(say, size, _("Only digits and capital letters."));
	if (len < 15 || len > 20)
		return wrong(say, size, _("A taxpayer number has 15 to 20 digits or letters."));
	bool all_digits = strspn(value, "0123456789") == len;
	if (len == 15 && all_digits && registration_check(value))
		return confirm(say, size, _("This looks like a business registration number, not a taxpayer number. Please compare."));
	if (len == 18 && identity_check(value))
		return CHECK_GOOD;
	if (len == 18)
		return check_uscc(value, say, size);
	if (len == 20 && !identity_check((char[19]){ value[0], value[1], value[2], value[3], value[4], value[5], value[6], value[7],
		value[8], value[9], value[10], value[11], value[12], value[13], value[14], value[15], value[16], value[17], 0 }))
		return confirm(say, size, _("The identity number inside does not fit its check digit. Please compare."));
	if (len == 19 && value[0] != 'L')
		return wrong(say, size, _("A taxpayer number of 19 characters begins with L."));
	if (len == 16 || len == 17)
		return confirm(say, size, _("16 or 17 characters are unusual for a taxpayer number. Please compare."));
	return CHECK_GOOD;
}
