#include <certhall/model.h>

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include <certhall/i18n.h>
#include <certhall/text.h>

enum { GBK_MAX = 100 };

static bool matches(const char *value, const char *pattern)
{
	regex_t re;
	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	bool found = regexec(&re, value, 0, NULL, 0) == 0;
	regfree(&re);
	return found;
}

static enum check_verdict wrong(char *say, size_t size, const char *text)
{
	snprintf(say, size, "%s", text);
	return CHECK_WRONG;
}

/* The invoice interface counts GBK bytes. */
static enum check_verdict check_length(const char *value, int most, char *say, size_t size)
{
	int len = text_gbk_length(value);
	if (len < 0)
		return wrong(say, size, _("It contains a character that invoices cannot hold."));
	if (len > most) {
		snprintf(say, size, _("Too long: %d bytes, at most %d (a Chinese character is 2)."), len, most);
		return CHECK_WRONG;
	}
	if (strpbrk(value, "<>") != NULL)
		return wrong(say, size, _("The characters < and > are not allowed."));
	return CHECK_GOOD;
}

enum check_verdict check_contact(const char *value, char *say, size_t size)
{
	if (*value == '\0')
		return wrong(say, size, _("Please fill in the contact person."));
	return check_length(value, 40, say, size);
}

enum check_verdict check_phone(const char *value, char *say, size_t size)
{
	if (*value == '\0')
		return wrong(say, size, _("Please fill in the phone number; it is needed for the invoice query."));
	if (matches(value, "^1[3-9][0-9]{9}$") || matches(value, "^0[0-9]{2,3}-?[0-9]{7,8}(-[0-9]{1,6})?$") ||
	    matches(value, "^[48]00-?[0-9]{3}-?[0-9]{4}$"))
		return CHECK_GOOD;
	return wrong(say, size, _("Not a phone number. A mobile number has 11 digits; write a landline as 0351-1234567."));
}

enum check_verdict check_title(const char *value, char *say, size_t size)
{
	if (*value == '\0')
		return wrong(say, size, _("Please fill in the unit name; it is the invoice's title."));
	return check_length(value, GBK_MAX, say, size);
}

enum check_verdict check_email(const char *value, char *say, size_t size)
{
	if (*value == '\0' || (strlen(value) <= 100 && matches(value, "^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+$")))
		return CHECK_GOOD;
	return wrong(say, size, _("Not an e-mail address."));
}

static enum check_verdict check_pair(const char *first, const char *second, char *say, size_t size)
{
	char both[768];
	snprintf(both, sizeof both, "%s%s", first, second);
	return check_length(both, GBK_MAX, say, size);
}

enum check_verdict check_address(const char *address, const char *phone, char *say, size_t size)
{
	return check_pair(address, phone, say, size);
}

enum check_verdict check_bank(const char *bank, const char *account, char *say, size_t size)
{
	if (*account != '\0' && !matches(account, "^[0-9A-Za-z -]{4,40}$"))
		return wrong(say, size, _("An account number has digits only."));
	return check_pair(bank, account, say, size);
}

static void strip(char *value, const char *characters)
{
	char *to = value;
	for (const char *from = value; *from != '\0'; from++)
		if (strchr(characters, *from) == NULL)
			*to++ = *from;
	*to = '\0';
}

/* A mobile number loses its country code and what stands between its digits; a landline keeps its dashes. */
void phone_normalize(char *phone, size_t size)
{
	char digits[64];
	text_normalize(phone, phone, size);
	strip(phone, " ()");
	snprintf(digits, sizeof digits, "%s", phone);
	strip(digits, "-+");
	const char *number = strncmp(digits, "0086", 4) == 0 ? digits + 4 : strncmp(digits, "86", 2) == 0 ? digits + 2 : digits;
	if (matches(number, "^1[3-9][0-9]{9}$") && strlen(number) < size)
		memcpy(phone, number, strlen(number) + 1);
}

void tax_no_normalize(char *tax_no, size_t size)
{
	text_normalize(tax_no, tax_no, size);
	strip(tax_no, " -");
	for (char *p = tax_no; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
}

static void normalize(struct applicant *a)
{
	text_normalize(a->contact, a->contact, sizeof a->contact);
	phone_normalize(a->phone, sizeof a->phone);
	tax_no_normalize(a->tax_no, sizeof a->tax_no);
	text_normalize(a->email, a->email, sizeof a->email);
	text_normalize(a->account, a->account, sizeof a->account);
	if (*a->unit_phone != '\0')
		phone_normalize(a->unit_phone, sizeof a->unit_phone);
	if (!a->detailed)
		*a->address = *a->unit_phone = *a->bank = *a->account = '\0';
}

int applicant_check(struct applicant *a, struct error *err)
{
	char say[256] = "";
	const char *field = NULL;
	normalize(a);
	if (check_contact(a->contact, say, sizeof say) == CHECK_WRONG)
		field = "contact";
	else if (check_phone(a->phone, say, sizeof say) == CHECK_WRONG)
		field = "phone";
	else if (check_title(a->title, say, sizeof say) == CHECK_WRONG)
		field = "title";
	else if (check_tax_no(a->tax_no, say, sizeof say) == CHECK_WRONG)
		field = "tax_no";
	else if (check_email(a->email, say, sizeof say) == CHECK_WRONG)
		field = "email";
	else if (check_address(a->address, a->unit_phone, say, sizeof say) == CHECK_WRONG)
		field = "address";
	else if (check_bank(a->bank, a->account, say, sizeof say) == CHECK_WRONG)
		field = "bank";
	return field == NULL ? 0 : error_set(err, ERR_INVALID_FIELD, field, "%s", say);
}
