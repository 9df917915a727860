/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mailbox's host side against a guest of our own making, honest, silent and hostile. */
#include "tests/expect.h"

#include "coord/agent.h"
#include "coord/mailbox.h"
#include "coord/payload.h"
#include "coord/work_spec.h"
#include "guest/wire_work.h"
#include "tests/unit/coord/fake_machine.h"

#include <errno.h>
#include <stdio.h>

#define SECOND 1000000000ull
#define FIRST_PAGE 64 /* the mailbox's pages lie backwards from here, every second one */

struct fixture {
	struct machine machine;
	struct coord *coord;
	struct agent *agent;
	struct wire_header *header;
	struct wire_list *list;
};

static uint64_t page_phys(unsigned int i)
{
	return (uint64_t)(FIRST_PAGE + 2 * (WIRE_PAGES - i)) * WIRE_PAGE_SIZE;
}

static void *page(struct machine *m, unsigned int i)
{
	return ram_at(&m->ram, page_phys(i), WIRE_PAGE_SIZE);
}

/* What the answering guest says next; `status` below 0: nothing at all. */
static struct wire_response next;
static char next_text[128];
static struct wire_request seen;
static uint8_t seen_payload[WIRE_PAGE_SIZE];

static void answer(struct machine *m)
{
	struct wire_header *h = page(m, 0);
	struct wire_response response;

	h->heartbeat += next.status >= 0;
	if (h->request_seq == h->response_seq || next.status < 0)
		return;
	memcpy(&seen, page(m, WIRE_REQUEST_PAGE), sizeof(seen));
	memcpy(seen_payload, (uint8_t *)page(m, WIRE_REQUEST_PAGE) + sizeof(seen),
	       WIRE_PAGE_SIZE - sizeof(seen));
	response = next;
	if (!response.op)
		response.op = seen.op;
	memcpy(page(m, WIRE_RESPONSE_PAGE), &response, sizeof(response));
	memcpy(page(m, WIRE_TEXT_PAGE), next_text, sizeof(next_text));
	h->response_seq = h->request_seq;
}

static void start(struct fixture *f)
{
	*f = (struct fixture){.machine = {.state = MACHINE_HELD, .work = answer,
					 .mailbox = page_phys(0)}};
	next = (struct wire_response){0};
	memset(next_text, 0, sizeof(next_text));
	expect_ok(ram_create(16 << 20, &f->machine.ram));
	f->header = page(&f->machine, 0);
	*f->header = (struct wire_header){.magic = WIRE_MAGIC, .version = WIRE_VERSION,
					  .page_count = WIRE_PAGES, .cpu_count = 4, .node_count = 1,
					  .request_seq = 7, .response_seq = 7};
	f->list = page(&f->machine, WIRE_LIST_PAGE);
	f->header->list_phys = page_phys(WIRE_LIST_PAGE);
	for (unsigned int i = 0; i < WIRE_PAGES; i++)
		f->list->frame[i] = (uint32_t)(page_phys(i) / WIRE_PAGE_SIZE);
	expect_ok(coord_create(&f->machine, COORD_LOCKSTEP, &f->coord));
	f->agent = coord_agent(f->coord);
}

static void stop(struct fixture *f)
{
	coord_destroy(f->coord);
	ram_deinit(&f->machine.ram);
}

static void test_call(void **state)
{
	struct agent_reply reply;
	struct fixture f;

	(void)state;
	start(&f);
	next.value_count = 1;
	next.values[0] = 42;
	next.text_len = 5;
	memcpy(next_text, "hello", 5);
	expect_ok(agent_call(f.agent, WIRE_OP_CAT, "abc", 4, AGENT_DEADLINE, &reply));
	assert_int_equal(seen.op, WIRE_OP_CAT);
	assert_int_equal(seen.payload_len, 4);
	assert_memory_equal(seen_payload, "abc", 4);
	assert_int_equal(reply.values[0], 42);
	assert_string_equal(str_text(&reply.text), "hello");
	assert_int_equal(f.header->request_seq, 8);
	agent_reply_deinit(&reply);
	expect_ok(agent_ping(f.agent));
	assert_int_equal(f.header->request_seq, 9);
	stop(&f);
}

/* A request that does not fit into its first page is laid over pages that are no neighbours. */
static void test_long_request(void **state)
{
	static uint8_t payload[WIRE_PAYLOAD_MAX];
	struct fixture f;
	struct mailbox m;
	static uint8_t back[WIRE_PAYLOAD_MAX];

	(void)state;
	start(&f);
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + i / 4096);
	expect_ok(agent_call(f.agent, WIRE_OP_PING, payload, sizeof(payload), AGENT_DEADLINE, NULL));
	expect_ok(mailbox_open(&f.machine.ram, page_phys(0), &m));
	expect_ok(mailbox_read(&m, WIRE_REQUEST_PAGE * WIRE_PAGE_SIZE + sizeof(struct wire_request), back, sizeof(back)));
	assert_memory_equal(back, payload, sizeof(payload));
	expect_err(agent_call(f.agent, WIRE_OP_PING, payload, sizeof(payload) + 1, AGENT_DEADLINE, NULL),
		   ERR_REFUSED, "a request of 61425 bytes is too long");
	stop(&f);
}

static void test_errors_of_the_agent(void **state)
{
	static const struct {
		int status;
		enum err_kind kind;
	} cases[] = {{ENOENT, ERR_NOT_FOUND}, {ESRCH, ERR_NOT_FOUND},  {EOPNOTSUPP, ERR_ABSENT},
		     {EEXIST, ERR_REFUSED},   {ETIMEDOUT, ERR_TIMEOUT}};
	struct fixture f;

	(void)state;
	start(&f);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		next = (struct wire_response){.status = cases[i].status, .message = "no\033[2Jwhere"};
		expect_err(agent_ping(f.agent), cases[i].kind, "no\\x1b[2Jwhere");
	}
	next = (struct wire_response){.status = EPERM};
	expect_err(agent_ping(f.agent), ERR_REFUSED, "the agent refused with errno 1");
	stop(&f);
}

static void test_silence(void **state)
{
	struct agent_health health;
	struct fixture f;

	(void)state;
	start(&f);
	agent_health(f.agent, &health);
	assert_true(health.ok);
	next.status = -1;
	expect_err(agent_ping(f.agent), ERR_TIMEOUT,
		   "the agent did not answer within 10 s of guest time; inspection still works");
	assert_int_equal(f.header->request_seq, 7); /* withdrawn: it will not be done later */
	agent_health(f.agent, &health);
	assert_false(health.ok);
	assert_non_null(strstr(health.reason, "the agent has been silent for 10"));
	f.header->agent_state = WIRE_AGENT_BUSY;
	expect_err(agent_ping(f.agent), ERR_TIMEOUT,
		   "the agent did not answer within 10 s of guest time; it may still do what was asked; "
		   "inspection still works");
	assert_int_equal(f.header->request_seq, 8);
	next.status = 0;
	expect_ok(agent_ping(f.agent));
	agent_health(f.agent, &health);
	assert_true(health.ok);
	assert_string_equal(health.reason, "");
	stop(&f);
}

/* Silence is noticed although nobody asked before it began. */
static void test_silence_while_time_passes(void **state)
{
	struct agent_health health;
	struct fixture f;

	(void)state;
	start(&f);
	expect_ok(coord_run_until(f.coord, SECOND));
	next.status = -1;
	expect_ok(coord_run_until(f.coord, 3 * SECOND));
	agent_health(f.agent, &health);
	assert_false(health.ok);
	assert_string_equal(health.reason,
			    "the agent has been silent for 2000 ms of guest time");
	f.header->heartbeat++;
	agent_health(f.agent, &health);
	assert_true(health.ok);
	stop(&f);
}

/* A panicked kernel is not waited for; words that a program wrote do not count. */
static void test_panic(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	f.machine.console = "[    9.8] Kernel panic - not syncing: Fatal exception\n[    9.9] ---[ end\n";
	expect_ok(agent_ping(f.agent));
	next.status = -1;
	expect_err(agent_ping(f.agent), ERR_GUEST_DIED,
		   "the agent cannot answer: Kernel panic - not syncing: Fatal exception; inspection still works");
	assert_true(f.machine.time < SECOND);
	f.machine.console = NULL;
	expect_err_with(agent_ping(f.agent), ERR_TIMEOUT, "did not answer within 10 s");
	stop(&f);
}

/* Nothing may be left in the mailbox that would be carried out after the thaw. */
static void test_frozen(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	expect_ok(coord_freeze(f.coord));
	expect_err(agent_ping(f.agent), ERR_REFUSED,
		   "the guest is frozen, so its agent cannot act; thaw it first");
	assert_int_equal(f.header->request_seq, 7);
	expect_ok(coord_thaw(f.coord));
	expect_ok(agent_ping(f.agent));
	stop(&f);
}

static void test_hostile_header(void **state)
{
	struct agent_health health;
	struct fixture f;

	(void)state;
	start(&f);
	f.list->frame[200] = UINT32_MAX;
	expect_err(agent_ping(f.agent), ERR_BAD_DATA,
		   "page 200 of the mailbox lies at 0xffffffff000, which is not in RAM");
	f.list->frame[200] = (uint32_t)(page_phys(200) / WIRE_PAGE_SIZE);
	f.header->list_phys++;
	expect_err_with(agent_ping(f.agent), ERR_BAD_DATA, "the mailbox's list of pages at 0x");
	f.header->list_phys = 1ULL << 50;
	expect_err(agent_ping(f.agent), ERR_BAD_DATA,
		   "the mailbox's list of pages at 0x4000000000000 is not in RAM");
	f.header->list_phys = page_phys(WIRE_LIST_PAGE);
	f.list->frame[0]++;
	expect_err_with(agent_ping(f.agent), ERR_BAD_DATA, " says it lies at 0x");
	f.list->frame[0]--;
	f.header->version = 9;
	expect_err_with(agent_ping(f.agent), ERR_BAD_DATA, "the guest's agent speaks version 9, this ktdbg 2");
	f.header->version = WIRE_VERSION;
	f.header->page_count = UINT32_MAX;
	expect_err_with(agent_ping(f.agent), ERR_BAD_DATA, "a mailbox of 4294967295 pages instead of 1024");
	f.header->page_count = WIRE_PAGES;
	f.header->magic = 0;
	expect_err_with(agent_ping(f.agent), ERR_BAD_DATA, "there is no mailbox");
	agent_health(f.agent, &health);
	assert_false(health.ok);
	assert_int_equal(agent_cpus(f.agent), 1);
	stop(&f);
}

static void test_hostile_response(void **state)
{
	struct agent_reply reply;
	struct fixture f;

	(void)state;
	start(&f);
	next.text_len = UINT32_MAX;
	expect_err(agent_call(f.agent, WIRE_OP_PING, NULL, 0, AGENT_DEADLINE, &reply), ERR_BAD_DATA,
		   "the agent's answer claims 4294967295 bytes of text and 0 values");
	next = (struct wire_response){.value_count = 17};
	expect_err_with(agent_ping(f.agent), ERR_BAD_DATA, "and 17 values");
	next = (struct wire_response){.op = 77};
	expect_err(agent_ping(f.agent), ERR_BAD_DATA, "the agent answered op 77 instead of 1");
	next = (struct wire_response){.status = EINVAL};
	memset(next.message, 'x', sizeof(next.message)); /* no end */
	expect_err_with(agent_ping(f.agent), ERR_REFUSED, "xxxx");
	stop(&f);
}

static struct wire_worker *worker(struct fixture *f, unsigned int slot)
{
	return (struct wire_worker *)page(&f->machine, WIRE_WORKER_PAGE + slot / 8) + slot % 8;
}

static void test_workers(void **state)
{
	struct agent_worker *list, one;
	unsigned int count;
	struct fixture f;

	(void)state;
	start(&f);
	f.header->worker_high = 20;
	*worker(&f, 3) = (struct wire_worker){.state = WIRE_WORKER_RUNNING, .pid = 103, .index = 1,
					      .type = WORK_PIPE, .cgroup = "a", .iterations = 5};
	*worker(&f, 17) = (struct wire_worker){.state = WIRE_WORKER_DEAD, .pid = 117, .index = 0,
					       .type = 99, .cgroup = "a", .exit_status = 9};
	*worker(&f, 9) = (struct wire_worker){.state = WIRE_WORKER_RUNNING, .pid = 109, .cgroup = "b"};
	*worker(&f, 10) = (struct wire_worker){.state = WIRE_WORKER_STARTING, .pid = 110, .cgroup = "b"};
	*worker(&f, 11) = (struct wire_worker){.state = 77, .pid = 111, .cgroup = "b"};
	expect_ok(agent_workers(f.agent, "a", &list, &count));
	assert_int_equal(count, 2);
	assert_int_equal(list[0].pid, 117);
	assert_false(list[0].alive);
	assert_string_equal(list[0].type, "?");
	assert_int_equal(list[1].pid, 103);
	assert_int_equal(list[1].iterations, 5);
	assert_string_equal(list[1].type, "pipe");
	free(list);
	expect_ok(agent_workers(f.agent, NULL, &list, &count));
	assert_int_equal(count, 3);
	free(list);
	expect_ok(agent_worker(f.agent, "b", 0, &one));
	assert_int_equal(one.pid, 109);
	expect_err(agent_worker(f.agent, "b", 4, &one), ERR_NOT_FOUND,
		   "cgroup b has no worker 4; it has 1");
	expect_err(agent_worker(f.agent, "c", 0, &one), ERR_NOT_FOUND,
		   "cgroup c has no workers; those with workers: a, b");
	stop(&f);
}

/* More slots than there are, texts without an end. */
static void test_hostile_workers(void **state)
{
	struct agent_worker *list;
	unsigned int count;
	struct fixture f;

	(void)state;
	start(&f);
	f.header->worker_high = UINT32_MAX;
	for (unsigned int i = 0; i < WIRE_WORKERS; i++) {
		memset(worker(&f, i), 'A', sizeof(struct wire_worker));
		worker(&f, i)->state = WIRE_WORKER_RUNNING;
	}
	expect_ok(agent_workers(f.agent, NULL, &list, &count));
	assert_int_equal(count, WIRE_WORKERS);
	assert_int_equal(strlen(list[0].cgroup), WIRE_CGROUP_NAME - 1);
	assert_int_equal(strlen(list[0].comm), WIRE_COMM - 1);
	free(list);
	stop(&f);
}

static void test_program_arguments(void **state)
{
	char *arguments[] = {(char *)"-v", (char *)"", (char *)"two words"};
	const struct wire_program *p = (const void *)seen_payload;
	struct fixture f;

	(void)state;
	start(&f);
	expect_ok(agent_sched_attach(f.agent, "mine", 3, arguments));
	assert_int_equal(seen.op, WIRE_OP_SCHED_ATTACH);
	assert_int_equal(seen.payload_len, sizeof(struct wire_program));
	assert_string_equal(p->program, "mine");
	assert_int_equal(p->argument_count, 3);
	assert_int_equal(p->argument_len, 14);
	assert_memory_equal(p->arguments, "-v\0\0two words", 14);
	stop(&f);
}

/* ---- payloads ---- */

static void set_list(const char *text)
{
	next = (struct wire_response){.text_len = (uint32_t)strlen(text)};
	memcpy(next_text, text, strlen(text));
}

/* Known by name and cgroup; a name alone will do while it is in one cgroup only. */
static void test_payloads(void **state)
{
	struct payload p;
	struct fixture f;
	int pid;

	(void)state;
	start(&f);
	set_list("7 - web ls\n8 256 web ls\n9 - @runner cat\n10 9 db cat\nrubbish\n");
	expect_ok(payload_find(f.agent, "/bin/ls", NULL, &p));
	assert_int_equal(p.pid, 7); /* the living one */
	assert_false(p.ended);
	expect_err(payload_find(f.agent, "cat", NULL, &p), ERR_REFUSED,
		   "cat is in more than one cgroup: @runner, db; say which with `in CGROUP`");
	expect_ok(payload_find(f.agent, "cat", "db", &p));
	assert_true(p.ended);
	assert_int_equal(payload_exit_code(&p), 128 + 9);
	expect_err(payload_find(f.agent, "ct", "web", &p), ERR_NOT_FOUND,
		   "no payload ct in web; there is ls in web, ls in web, cat in @runner, cat in db; near: cat");
	expect_err(payload_run(f.agent, "/bin/ls", 0, NULL, "web", &pid), ERR_REFUSED,
		   "ls runs in web already, as pid 7");
	expect_err(payload_run(f.agent, "a\nb", 0, NULL, "web", &pid), ERR_USAGE,
		   "a program's name has no control bytes");
	set_list("");
	expect_err(payload_find(f.agent, "ls", NULL, &p), ERR_NOT_FOUND, "no payload ls; there is none");
	stop(&f);
}

static void test_percentiles(void **state)
{
	uint64_t latency[WIRE_LATENCY_BUCKETS] = {[10] = 50, [12] = 49, [20] = 1};

	(void)state;
	assert_int_equal(agent_percentile(latency, 1500000, 50), 2048);
	assert_int_equal(agent_percentile(latency, 1500000, 25), 1536);
	assert_int_equal(agent_percentile(latency, 1500000, 99), 8192);
	assert_int_equal(agent_percentile(latency, 1500000, 100), 1500000);
	assert_int_equal(agent_percentile((uint64_t[WIRE_LATENCY_BUCKETS]){0}, 0, 50), 0);
}

/* Each worker has phases of its own. */
static void test_phases(void **state)
{
	struct wire_phase there = {.rounds = 3, .iterations = 44, .max_gap = 5}, phase;
	struct agent_worker w;
	struct fixture f;
	struct mailbox m;

	(void)state;
	start(&f);
	f.header->worker_high = 4;
	*worker(&f, 3) = (struct wire_worker){.state = WIRE_WORKER_RUNNING, .pid = 103, .type = WORK_SEQUENCE,
					      .cgroup = "a", .phase_count = 99, .phase_type = {1, 8}};
	expect_ok(mailbox_open(&f.machine.ram, page_phys(0), &m));
	expect_ok(mailbox_write(&m, WIRE_PHASE_PAGE * WIRE_PAGE_SIZE + (3 * WIRE_PHASES + 1) * sizeof(there),
				&there, sizeof(there)));
	expect_ok(agent_worker(f.agent, "a", 0, &w));
	assert_int_equal(w.phase_count, WIRE_PHASES);
	assert_int_equal(w.phase_type[1], WORK_SLEEP);
	expect_ok(agent_phase(f.agent, &w, 1, &phase));
	assert_memory_equal(&phase, &there, sizeof(phase));
	expect_err(agent_phase(f.agent, &w, WIRE_PHASES, &phase), ERR_BAD_DATA, "phase 16 of worker slot 3");
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_long_request),
		cmocka_unit_test(test_errors_of_the_agent),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_silence_while_time_passes),
		cmocka_unit_test(test_panic),
		cmocka_unit_test(test_frozen),
		cmocka_unit_test(test_hostile_header),
		cmocka_unit_test(test_hostile_response),
		cmocka_unit_test(test_workers),
		cmocka_unit_test(test_hostile_workers),
		cmocka_unit_test(test_program_arguments),
		cmocka_unit_test(test_payloads),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_phases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
