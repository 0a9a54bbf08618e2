/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * cli/main.c - the command rove
 */
#include <locale.h>

#include "cli/cmd/command.h"

int main(int argc, char **argv)
{
	/* Characters only: numbers are written and read the same way everywhere. */
	setlocale(LC_CTYPE, "");
	return command_main(argc, argv);
}
