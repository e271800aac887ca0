#include <stdio.h>

#include <certhall/i18n.h>

int main(void)
{
	i18n_init(NULL);
	puts(_("Online service hall"));
	return 0;
}
