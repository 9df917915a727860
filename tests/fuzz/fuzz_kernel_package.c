/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debian packages and the text that apt prints, as `ktdbg kernel fetch` reads them. */
#include "tests/fuzz/fuzz.h"

#include "vmm/kernel_fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), path[64];
	int out = memfd_create("image", MFD_CLOEXEC), fd;
	struct kernel_archive archive;
	struct kernel_package package;

	err_free(kernel_archive_choose(text, "trixie", &archive));
	err_free(kernel_package_choose(text, NULL, &package));
	err_free(kernel_package_choose(text, "7.1", &package));
	fd = fuzz_file(data, size, path);
	err_free(kernel_package_unpack(path, out));
	close(fd);
	close(out);
	free(text);
	return 0;
}
