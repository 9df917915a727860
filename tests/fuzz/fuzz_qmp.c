/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A QEMU that says anything, with requests open; and the description of a saved machine. */
#include "tests/fuzz/fuzz.h"

#include "vmm/qmp.h"
#include "vmm/saved.h"

static void on_event(void *context, const char *name, struct json_object *data)
{
	if (!name)
		abort();
	qmp_string(data, "reason");
}

static void on_reply(void *context, struct err *err, struct json_object *result)
{
	unsigned int *calls = context;

	++*calls;
	if (!err)
		qmp_string(result, "status");
	err_free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int calls = 0;
	char *text = fuzz_text(data, size);
	struct saved saved;
	struct qmp q;

	qmp_init(&q, -1, on_event, NULL);
	for (unsigned int i = 0; i < 3; i++)
		q.pending[i] = (struct qmp_request){.id = i + 1,
						    .command = "x",
						    .deadline = UINT64_MAX,
						    .reply = on_reply,
						    .context = &calls};
	/* In two parts: lines are put together. */
	if (!q.dead)
		err_free(qmp_feed(&q, data, size / 2));
	if (!q.dead)
		err_free(qmp_feed(&q, data + size / 2, size - size / 2));
	qmp_deinit(&q);
	if (calls != 3)
		abort(); /* each request ends exactly once */
	saved_init(&saved);
	err_free(saved_parse(text, &saved));
	free(text);
	return 0;
}
