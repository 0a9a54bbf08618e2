/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/main.c - the command rove
 */
#include <fcntl.h>
#include <locale.h>

#include "cli/cmd/command.h"

/*
 * What the caller has closed would be given to the next file that is opened, and then be
 * written into.  What stands in for it can be neither read nor written, so that it fails.
 */
static void occupy_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd ? O_RDONLY : O_WRONLY);
}

int main(int argc, char **argv)
{
	occupy_standard_descriptors();
	/* Characters only: numbers are written and read the same way everywhere. */
	setlocale(LC_CTYPE, "");
	return command_main(argc, argv);
}
