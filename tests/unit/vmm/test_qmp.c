/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: recorded conversations of three QEMUs, and peers that misbehave. */
#include "tests/expect.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "vmm/qmp.h"

#include <json-c/json.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

struct fixture {
	struct qmp qmp;
	int peer;
	char events[256];
};

static void on_event(void *context, const char *name, struct json_object *data)
{
	struct fixture *f = context;
	const char *reason = qmp_string(data, "reason");

	strcat(f->events, name);
	strcat(f->events, reason ? "(" : "");
	strcat(f->events, reason ? reason : "");
	strcat(f->events, reason ? ") " : " ");
}

static void begin(struct fixture *f)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*f = (struct fixture){.peer = pair[1]};
	qmp_init(&f->qmp, pair[0], on_event, f);
}

static void end(struct fixture *f)
{
	qmp_deinit(&f->qmp);
	close_fd(&f->peer);
}

/* Plays QEMU's part of a recorded conversation, and checks ours. */
struct script {
	char *text;
	int fd;
	char wrong[400]; /* the first line of ours that is not the recorded one */
};

static void read_line(int fd, char *line, size_t size)
{
	size_t len = 0;

	while (len < size - 1 && read(fd, line + len, 1) == 1 && line[len] != '\n')
		len++;
	line[len] = '\0';
}

static void *play(void *context)
{
	struct script *s = context;
	char *rest = s->text, *line, said[4096];

	while ((line = strsep(&rest, "\n"))) {
		if (line[0] == 'S')
			dprintf(s->fd, "%s\r\n", line + 2);
		if (line[0] != 'C')
			continue;
		read_line(s->fd, said, sizeof(said));
		if (strcmp(said, line + 2) && !s->wrong[0])
			snprintf(s->wrong, sizeof(s->wrong), "said %.180s, recorded %.180s", said,
				 line + 2);
	}
	close(s->fd);
	return NULL;
}

static struct err *ask(struct fixture *f, const char *command, struct json_object **ret)
{
	return qmp_execute(&f->qmp, command, NULL, -1, 5 * SECOND, ret);
}

static struct err *ask_getfd(struct fixture *f)
{
	struct json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "fdname", json_object_new_string("x"));
	return qmp_execute(&f->qmp, "getfd", arguments, -1, 5 * SECOND, NULL);
}

static void converse(const char *file, const char *version)
{
	struct script script = {0};
	struct json_object *result = NULL;
	struct fixture f;
	pthread_t thread;
	size_t len;

	expect_ok(read_whole_file(file, 1 << 20, &script.text, &len));
	begin(&f);
	script.fd = f.peer;
	f.peer = -1;
	assert_int_equal(pthread_create(&thread, NULL, play, &script), 0);
	expect_ok(qmp_negotiate(&f.qmp, 5 * SECOND));
	assert_string_equal(f.qmp.version, version);
	expect_ok(ask(&f, "query-cpus-fast", &result));
	assert_int_equal(json_object_array_length(result), 2);
	json_object_put(result);
	expect_ok(ask(&f, "cont", NULL));
	expect_ok(ask(&f, "stop", NULL));
	expect_ok(ask(&f, "query-status", &result));
	assert_string_equal(qmp_string(result, "status"), "paused");
	json_object_put(result);
	expect_err(ask(&f, "no-such-command", NULL), ERR_QMP,
		   "no-such-command: The command no-such-command has not been found");
	expect_err_with(ask_getfd(&f), ERR_QMP,
			"getfd: No file descriptor supplied via SCM_RIGHTS");
	expect_ok(ask(&f, "query-migrate", NULL));
	expect_ok(ask(&f, "quit", NULL));
	assert_string_equal(f.events, "RESUME STOP SHUTDOWN(host-qmp-quit) ");
	pthread_join(thread, NULL);
	assert_string_equal(script.wrong, "");
	/* Seen together with the last answer or now. */
	err_free(qmp_process(&f.qmp));
	expect_err(qmp_process(&f.qmp), ERR_QMP, "the connection to qemu is closed");
	end(&f);
	free(script.text);
}

static void conversation_of_qemu_7(void **state)
{
	converse("tests/data/qmp/qemu-7.2.22.txt", "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)");
}

static void conversation_of_qemu_10(void **state)
{
	converse("tests/data/qmp/qemu-10.0.2.txt", "10.0.2 (Debian 1:10.0.2+ds-2+deb13u1~bpo12+1)");
}

static void conversation_of_qemu_11(void **state)
{
	converse("tests/data/qmp/qemu-11.1.3.txt", "11.1.3 (Debian 1:11.1.3+ds-1)");
}

struct answer {
	unsigned int calls;
	enum err_kind kind;
	char text[200];
};

static void keep_answer(void *context, struct err *err, struct json_object *result)
{
	struct answer *a = context;

	a->calls++;
	snprintf(a->text, sizeof(a->text), "%s", err ? err_detail(err) : "ok");
	if (err)
		a->kind = err_kind(err);
	err_free(err);
}

static void answers_in_any_order(void **state)
{
	struct answer a = {0}, b = {0};
	struct fixture f;

	begin(&f);
	expect_ok(qmp_send(&f.qmp, "first", NULL, -1, SECOND, keep_answer, &a));
	expect_ok(qmp_send(&f.qmp, "second", NULL, -1, SECOND, keep_answer, &b));
	dprintf(f.peer, "{\"return\": 1, \"id\": 2}\n{\"return\": 1, \"id\": 77}\n{\"retu");
	expect_ok(qmp_process(&f.qmp));
	assert_int_equal(b.calls, 1);
	assert_int_equal(a.calls, 0);
	dprintf(f.peer, "rn\": 1, \"id\": 1}\n{\"return\": 1, \"id\": 1}\n");
	expect_ok(qmp_process(&f.qmp));
	assert_int_equal(a.calls, 1);
	assert_string_equal(a.text, "ok");
	end(&f);
}

static void late_answers_are_errors(void **state)
{
	struct answer a = {0};
	struct fixture f;

	begin(&f);
	expect_ok(qmp_send(&f.qmp, "slow", NULL, -1, 1, keep_answer, &a));
	usleep(10);
	expect_ok(qmp_process(&f.qmp));
	assert_int_equal(a.kind, ERR_TIMEOUT);
	assert_string_equal(a.text, "slow: qemu did not answer in time");
	expect_err(qmp_execute(&f.qmp, "slower", NULL, -1, 1000000, NULL), ERR_TIMEOUT,
		   "slower: qemu did not answer in time");
	dprintf(f.peer, "{\"return\": 1, \"id\": 1}\n"); /* too late: nobody is called */
	expect_ok(qmp_process(&f.qmp));
	assert_int_equal(a.calls, 1);
	expect_err(qmp_negotiate(&f.qmp, 1000000), ERR_TIMEOUT, "qemu did not greet in time");
	end(&f);
}

static void open_requests_are_bounded(void **state)
{
	struct answer answers[QMP_PENDING_MAX] = {0}, more = {0};
	struct fixture f;

	begin(&f);
	for (unsigned int i = 0; i < QMP_PENDING_MAX; i++)
		expect_ok(qmp_send(&f.qmp, "x", NULL, -1, SECOND, keep_answer, &answers[i]));
	expect_err(qmp_send(&f.qmp, "x", NULL, -1, SECOND, keep_answer, &more), ERR_QMP,
		   "x: 16 requests are open already");
	close_fd(&f.peer);
	expect_err(qmp_process(&f.qmp), ERR_QMP, "qemu closed the connection");
	for (unsigned int i = 0; i < QMP_PENDING_MAX; i++) {
		assert_int_equal(answers[i].calls, 1);
		assert_string_equal(answers[i].text, "x: qemu closed the connection");
	}
	expect_err(qmp_send(&f.qmp, "x", NULL, -1, SECOND, keep_answer, &more), ERR_QMP,
		   "x: the connection to qemu is closed");
	assert_int_equal(more.calls, 0);
	end(&f);
}

/* Each on a fresh connection; all of them end it. */
static void nonsense_ends_the_connection(void **state)
{
	static const char *const nonsense[] = {
		"hello\n",
		"[1, 2]\n",
		"{\"return\": \n",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
		"\"a\":{\"a\":{\"a\":"
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
		"\"a\":{}}}}}}}}}}}}}}"
		"}}}}}}}}}}}}}\n",
	};

	for (unsigned int i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		struct answer a = {0};
		struct fixture f;

		begin(&f);
		expect_ok(qmp_send(&f.qmp, "x", NULL, -1, SECOND, keep_answer, &a));
		expect_err_with(qmp_feed(&f.qmp, nonsense[i], strlen(nonsense[i])), ERR_QMP,
				"qemu sent something that is no message: ");
		assert_true(f.qmp.dead);
		assert_int_equal(a.calls, 1);
		end(&f);
	}
}

static void endless_lines_end_the_connection(void **state)
{
	static char block[65536];
	struct fixture f;
	struct err *err = NULL;

	begin(&f);
	memset(block, ' ', sizeof(block));
	for (unsigned int i = 0; i < 17 && !err; i++)
		err = qmp_feed(&f.qmp, block, sizeof(block));
	assert_non_null(err);
	assert_string_equal(err_detail(err), "qemu sent a line of more than 1048576 bytes");
	err_free(err);
	end(&f);
}

/* Right JSON of wrong types is passed over. */
static void odd_messages_are_passed_over(void **state)
{
	static const char odd[] =
		"{}\n\r\n{\"QMP\": 7}\n{\"event\": 7}\n{\"id\": \"x\", \"return\": 1}\n"
		"{\"event\": \"STOP\", \"data\": []}\n{\"id\": -1}\n"
		"{\"QMP\": {\"version\": {\"package\": \"\\u0007\", \"qemu\": []}}}\n";
	struct fixture f;

	begin(&f);
	expect_ok(qmp_feed(&f.qmp, odd, strlen(odd)));
	assert_string_equal(f.events, "STOP ");
	assert_string_equal(f.qmp.version, "0.0.0 (\\x07)");
	end(&f);
}

static void waiting_is_interrupted(void **state)
{
	struct fixture f;

	begin(&f);
	interrupt_raise();
	expect_err(ask(&f, "x", NULL), ERR_INTERRUPTED, "interrupted");
	interrupt_clear();
	dprintf(f.peer, "{\"return\": 1, \"id\": 1}\n"); /* its waiter has left */
	expect_ok(qmp_process(&f.qmp));
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversation_of_qemu_7),
		cmocka_unit_test(conversation_of_qemu_10),
		cmocka_unit_test(conversation_of_qemu_11),
		cmocka_unit_test(answers_in_any_order),
		cmocka_unit_test(late_answers_are_errors),
		cmocka_unit_test(open_requests_are_bounded),
		cmocka_unit_test(nonsense_ends_the_connection),
		cmocka_unit_test(endless_lines_end_the_connection),
		cmocka_unit_test(odd_messages_are_passed_over),
		cmocka_unit_test(waiting_is_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
