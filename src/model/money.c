#include <certhall/model.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *money_text(int64_t fen, char *out, size_t size)
{
	uint64_t amount = fen < 0 ? (uint64_t)-fen : (uint64_t)fen;
	snprintf(out, size, "%s￥%" PRIu64 ".%02" PRIu64, fen < 0 ? "-" : "", amount / 100, amount % 100);
	return out;
}

static const char *const digits[] = { "零", "壹", "贰", "叁", "肆", "伍", "陆", "柒", "捌", "玖" };

static void add(char *out, size_t size, const char *text)
{
	size_t len = strlen(out);
	snprintf(out + len, size - len, "%s", text);
}

/* Four digits with their units; a run of zeros between digits is one 零, one at the end is none. */
static void add_group(char *out, size_t size, int group, bool lead)
{
	static const char *const units[] = { "仟", "佰", "拾", "" };
	static const int powers[] = { 1000, 100, 10, 1 };
	bool zero = lead && group < 1000;
	for (int i = 0; i < 4; i++) {
		int digit = group / powers[i] % 10;
		if (digit == 0) {
			zero = zero || (i > 0 && group >= powers[i - 1]);
			continue;
		}
		if (zero && *out != '\0')
			add(out, size, digits[0]);
		zero = false;
		add(out, size, digits[digit]);
		add(out, size, units[i]);
	}
}

char *money_capital(int64_t fen, char *out, size_t size)
{
	static const char *const groups[] = { "万", "亿", "万", "" };
	int64_t yuan = (fen < 0 ? -fen : fen) / 100;
	int jiao = (int)((fen < 0 ? -fen : fen) / 10 % 10), cent = (int)((fen < 0 ? -fen : fen) % 10);
	int part[4] = { (int)(yuan / 1000000000000 % 10000), (int)(yuan / 100000000 % 10000), (int)(yuan / 10000 % 10000), (int)(yuan % 10000) };
	bool gap = false;
	out[0] = '\0';
	if (fen < 0)
		add(out, size, "（负数）");
	size_t start = strlen(out);
	for (int i = 0; i < 4; i++) {
		if (part[i] == 0) {
			gap = out[start] != '\0';
			if (i == 1 && part[0] != 0)
				add(out, size, "亿");
			continue;
		}
		add_group(out + start, size - start, part[i], gap || out[start] != '\0');
		add(out, size, groups[i]);
		gap = false;
	}
	if (yuan > 0)
		add(out, size, "圆");
	if (jiao == 0 && cent == 0) {
		add(out, size, yuan > 0 ? "整" : "零圆整");
		return out;
	}
	if (jiao > 0) {
		add(out, size, digits[jiao]);
		add(out, size, "角");
	} else if (yuan > 0) {
		add(out, size, digits[0]);
	}
	if (cent > 0) {
		add(out, size, digits[cent]);
		add(out, size, "分");
	}
	return out;
}
