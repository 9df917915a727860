/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot images, as `ktdbg kernel info` reads them. */
#include "tests/fuzz/fuzz.h"

#include "vmm/kernel_cache.h"

/* The offsets of the setup header; without them hardly an input would pass its first check. */
static void repair(uint8_t *image, size_t size)
{
	if (size < 0x250)
		return;
	memcpy(image + 0x202, "HdrS\x0f\x02", 6);
	image[0x20f] &= 3;
	image[0x24a] = image[0x24b] = image[0x24e] = image[0x24f] = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *image = (uint8_t *)fuzz_text(data, size);
	struct kernel_image ret;
	char path[64];
	int fd;

	repair(image, size);
	fd = fuzz_file(image, size, path);
	err_free(kernel_image_read(path, &ret));
	close(fd);
	free(image);
	return 0;
}
