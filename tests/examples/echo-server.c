/* SPDX-License-Identifier: MIT */
/* The example echo-server, as a process of its own that clients of the test's connect to. */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>

#include "peers.h"

static void serve(struct program *p, const char *idle)
{
	launch(p, "echo-server", (const char *const[]){idle ? "-i" : NULL, idle, NULL});
}

/* Buffers of this size, or of what the kernel thinks good. */
static int client_of(const struct program *p, int buffer)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(strncmp(p->told, "127.0.0.1:", 10), 0);
	at.sin_port = htons((uint16_t)strtoul(p->told + 10, NULL, 10));
	if (buffer) {
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	}
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void ask(int fd)
{
	ck_assert_int_eq(send(fd, "?", 1, MSG_NOSIGNAL), 1);
}

static void assert_answered(int fd)
{
	char byte = 0;
	ck_assert_int_ne(poll_in(fd, DEADLINE), 0);
	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), 1);
	ck_assert_int_eq(byte, '?');
}

static void assert_closed(int fd)
{
	char byte;
	ck_assert_int_ne(poll_in(fd, DEADLINE), 0);
	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
}

/* Connections at once, each with bytes of its own, more of them than the sockets hold. */
static void exchange(size_t clients, size_t amount, int buffer)
{
	struct program p;
	struct end ends[MAX_ENDS] = {{0}};
	serve(&p, NULL);
	for (size_t i = 0; i < clients; i++) {
		ends[i].fd = client_of(&p, buffer);
		ends[i].out = ends[i].in = i;
		ends[i].to_send = ends[i].to_receive = amount / 4 + random_up_to(amount);
	}
	while (!all_over(ends, clients))
		turn(ends, clients);
	for (size_t i = 0; i < clients; i++) {
		ck_assert_msg(ends[i].received == ends[i].to_receive, "%zu of %zu bytes came, seed %ju",
			      ends[i].received, ends[i].to_receive, (uintmax_t)seed);
		close(ends[i].fd);
	}
	assert_fds(&p, 0);
	end_program(&p);
	ck_assert_ptr_nonnull(strstr(p.told, " 0 idle, 0 cut off, 0 times"));
}

START_TEST(an_echo_server_sends_back_every_byte_and_the_end)
{
	exchange(1, 4 * MIB, 0);
}
END_TEST

START_TEST(an_echo_server_sends_back_every_byte_through_small_buffers)
{
	exchange(4, MIB / 4, 4096);
}
END_TEST

START_TEST(an_echo_server_sends_each_of_many_its_own)
{
	exchange(MAX_ENDS, MIB / 4, 0);
}
END_TEST

START_TEST(who_does_not_read_is_not_read_from_and_loses_nothing_and_others_are_served)
{
	struct program p;
	serve(&p, NULL);
	struct end client = {.fd = client_of(&p, 0), .out = 1, .in = 1};
	fill_up(&p, &client, CHUNK);
	int other = client_of(&p, 0);
	ask(other);
	assert_answered(other);
	ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
	assert_rests(&p); /* the end is not seen before its turn, and does not wake it again and again */
	take_all(&client, client.sent);
	ask(other);
	assert_answered(other);
	close(client.fd);
	close(other);
	assert_fds(&p, 0);
	end_program(&p);
}
END_TEST

START_TEST(who_resets_a_connection_costs_it_alone)
{
	struct program p;
	const struct linger reset = {.l_onoff = 1};
	serve(&p, NULL);
	struct end blocked = {.fd = client_of(&p, 0), .out = 1};
	int idle = client_of(&p, 0), other = client_of(&p, 0);
	fill_up(&p, &blocked, CHUNK);
	ck_assert_int_eq(setsockopt(idle, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(idle);
	close(blocked.fd); /* with something unread */
	assert_fds(&p, 1);
	ask(other);
	assert_answered(other);
	close(other);
	assert_fds(&p, 0);
	end_program(&p);
	ck_assert_ptr_nonnull(strstr(p.told, " 2 cut off,"));
}
END_TEST

/* The first to come was the last to be heard of. */
START_TEST(who_is_idle_is_closed_in_the_order_of_what_was_heard_last)
{
	struct program p;
	serve(&p, "300");
	int first = client_of(&p, 0);
	assert_fds(&p, 1);
	int second = client_of(&p, 0);
	assert_fds(&p, 2);
	ask(first);
	assert_answered(first);
	ck_assert_int_eq(poll_in(first, 0), 0);
	assert_closed(first);
	ck_assert_int_ne(poll_in(second, 0), 0);
	assert_closed(second);
	assert_fds(&p, 0);
	close(first);
	close(second);
	end_program(&p);
	ck_assert_ptr_nonnull(strstr(p.told, " 2 idle, 0 cut off,"));
}
END_TEST

static void limit(const struct program *p, unsigned more)
{
	struct rlimit limit, fds;
	ck_assert_int_eq(prlimit(p->pid, RLIMIT_NOFILE, NULL, &limit), 0);
	fds = (struct rlimit){.rlim_cur = p->fds + more, .rlim_max = limit.rlim_max};
	ck_assert_int_eq(prlimit(p->pid, RLIMIT_NOFILE, &fds, NULL), 0);
}

START_TEST(without_a_free_fd_who_comes_waits_until_another_has_gone)
{
	struct program p;
	serve(&p, NULL);
	limit(&p, 1);
	int first = client_of(&p, 0);
	assert_fds(&p, 1);
	int second = client_of(&p, 0);
	ask(second);
	assert_rests(&p);
	ask(first); /* whom it goes on to serve */
	assert_answered(first);
	ck_assert_int_eq(poll_in(second, 0), 0);
	close(first);
	assert_answered(second);
	close(second);
	assert_fds(&p, 0);
	end_program(&p);
	ck_assert_ptr_null(strstr(p.told, " 0 times without an fd"));
}
END_TEST

START_TEST(without_a_free_fd_it_tries_again_though_nobody_has_gone)
{
	struct program p;
	serve(&p, NULL);
	limit(&p, 1);
	int first = client_of(&p, 0);
	assert_fds(&p, 1);
	int second = client_of(&p, 0);
	ask(second);
	assert_rests(&p);
	ck_assert_int_eq(poll_in(second, 0), 0);
	limit(&p, 2);
	assert_answered(second);
	close(first);
	close(second);
	assert_fds(&p, 0);
	end_program(&p);
}
END_TEST

START_TEST(an_echo_server_ends_in_the_middle_of_everything)
{
	struct program p;
	serve(&p, NULL);
	limit(&p, 2);
	struct end blocked = {.fd = client_of(&p, 0), .out = 1};
	fill_up(&p, &blocked, CHUNK);
	int idle = client_of(&p, 0), waiting;
	assert_fds(&p, 2);
	waiting = client_of(&p, 0);
	end_program(&p);
	assert_closed(idle);
	close(blocked.fd);
	close(idle);
	close(waiting);
}
END_TEST

SUITE(examples_echo_server)
{
	tcase_add_test(tc, an_echo_server_sends_back_every_byte_and_the_end);
	tcase_add_test(tc, an_echo_server_sends_back_every_byte_through_small_buffers);
	tcase_add_test(tc, an_echo_server_sends_each_of_many_its_own);
	tcase_add_test(tc, who_does_not_read_is_not_read_from_and_loses_nothing_and_others_are_served);
	tcase_add_test(tc, who_resets_a_connection_costs_it_alone);
	tcase_add_test(tc, who_is_idle_is_closed_in_the_order_of_what_was_heard_last);
	tcase_add_test(tc, without_a_free_fd_who_comes_waits_until_another_has_gone);
	tcase_add_test(tc, without_a_free_fd_it_tries_again_though_nobody_has_gone);
	tcase_add_test(tc, an_echo_server_ends_in_the_middle_of_everything);
}
