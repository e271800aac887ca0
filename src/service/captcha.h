/* The picture of digits that keeps machines from trying names and numbers. */
#ifndef SERVICE_CAPTCHA_H
#define SERVICE_CAPTCHA_H

#include <certhall/invoice.h>

enum { CAPTCHA_DIGITS = 4, CAPTCHA_SECONDS = 600, CAPTCHA_WIDTH = 56, CAPTCHA_HEIGHT = 20 };

/* Draws the digits, bent and strewn over by what random gives; the same seed draws the same. pixels as in struct captcha. */
int captcha_draw(const char digits[CAPTCHA_DIGITS + 1], const uint8_t seed[32], struct bytes *pixels) CH_MUST_CHECK;

#endif
