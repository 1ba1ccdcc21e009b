/* SPDX-License-Identifier: MIT */
/* The example relay, as a process of its own between connections of the test's. */
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "peers.h"

/* Connections at once, each with other amounts each way, so that all kinds of half-closes come about. */
static void exchange(const char *pipe_size, size_t links, size_t amount, int buffer)
{
	struct relay r;
	struct end ends[MAX_ENDS] = {{0}};
	start(&r, pipe_size);
	for (size_t i = 0; i < 2 * links; i += 2) {
		int pair[2];
		join(&r, pair);
		for (size_t k = 0; k < 2; k++) {
			struct end *end = &ends[i + k], *other = &ends[i + !k];
			if (buffer)
				setsockopt(pair[k], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
			end->fd = pair[k];
			end->out = other->in = i + k;
			end->to_send = other->to_receive = amount / 4 + random_up_to(amount);
		}
	}
	assert_links(&r, (unsigned)links);
	while (!all_over(ends, 2 * links))
		turn(ends, 2 * links);
	for (size_t i = 0; i < 2 * links; i++) {
		ck_assert_msg(ends[i].received == ends[i].to_receive, "%zu of %zu bytes came, seed %ju",
			      ends[i].received, ends[i].to_receive, (uintmax_t)seed);
		close(ends[i].fd);
	}
	stop(&r);
}

START_TEST(a_relay_passes_every_byte_both_ways)
{
	exchange("262144", 1, 16 * MIB, 0);
}
END_TEST

START_TEST(a_relay_passes_every_byte_through_pipes_of_one_page)
{
	exchange("1", 1, 8 * MIB, 0);
}
END_TEST

START_TEST(a_relay_passes_every_byte_with_small_socket_buffers)
{
	exchange("262144", 1, 4 * MIB, 1);
}
END_TEST

START_TEST(a_relay_serves_many_at_once)
{
	exchange("262144", 8, 2 * MIB, 0);
}
END_TEST

START_TEST(a_relay_serves_many_at_once_through_pipes_of_one_page)
{
	exchange("1", 8, MIB, 1);
}
END_TEST

static const size_t steps[] = {1, CHUNK};

START_TEST(a_relay_rests_when_the_sink_takes_nothing_and_loses_nothing)
{
	struct relay r;
	int pair[2];
	start(&r, "1048576"); /* more than the sink takes at a time: the end comes while it holds something */
	join(&r, pair);
	struct end client = {.fd = pair[0], .out = 1}, target = {.fd = pair[1], .in = 1};
	fill_up(&r.program, &client, steps[_i]);
	ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
	assert_rests(&r.program);
	take_all(&target, client.sent);
	assert_rests(&r.program); /* one way is over, the other has nothing to do */
	assert_links(&r, 1);
	ck_assert_int_eq(send(target.fd, "x", 1, 0), 1);
	ck_assert_int_ne(poll_in(client.fd, DEADLINE), 0);
	close(target.fd);
	close(client.fd);
	stop(&r);
}
END_TEST

START_TEST(a_source_that_is_gone_costs_no_byte_and_no_rest)
{
	struct relay r;
	int pair[2];
	start(&r, "65536");
	join(&r, pair);
	struct end client = {.fd = pair[0], .out = 1}, target = {.fd = pair[1], .in = 1};
	ck_assert_int_eq(send(target.fd, "not read", 8, 0), 8);
	ck_assert_int_ne(poll_in(client.fd, DEADLINE), 0);
	fill_up(&r.program, &client, steps[_i]);
	close(client.fd); /* with something unread: this resets the connection */
	assert_rests(&r.program);
	ck_assert_int_eq(send(target.fd, "x", 1, MSG_NOSIGNAL), -1);
	ck_assert_int_eq(errno, EPIPE);
	take_all(&target, client.sent);
	close(target.fd);
	stop(&r);
}
END_TEST

START_TEST(a_sink_that_is_gone_is_told_to_the_source)
{
	struct relay r;
	int pair[2];
	start(&r, "65536");
	join(&r, pair);
	struct end client = {.fd = pair[0], .out = 1};
	fill_up(&r.program, &client, steps[_i]);
	close(pair[1]); /* with all of it unread */
	assert_links(&r, 0);
	ck_assert_int_eq(send(client.fd, "x", 1, MSG_NOSIGNAL), -1);
	ck_assert(errno == EPIPE || errno == ECONNRESET);
	close(client.fd);
	stop(&r);
}
END_TEST

START_TEST(a_target_that_reads_no_more_may_send_still)
{
	struct relay r;
	int pair[2];
	char byte = 0;
	start(&r, "65536");
	join(&r, pair);
	ck_assert_int_eq(shutdown(pair[1], SHUT_RD), 0);
	ck_assert_int_eq(send(pair[0], "x", 1, MSG_NOSIGNAL), 1);
	struct pollfd told = {.fd = pair[0], .events = POLLIN};
	assert_rests(&r.program);
	ck_assert_int_eq(poll(&told, 1, 0), 0);
	ck_assert_fails(send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	ck_assert_int_eq(send(pair[1], "y", 1, 0), 1);
	ck_assert_int_ne(poll_in(pair[0], DEADLINE), 0);
	ck_assert_int_eq(read(pair[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'y');
	close(pair[0]);
	close(pair[1]);
	stop(&r);
}
END_TEST

START_TEST(a_connection_whose_both_ends_are_gone_is_over)
{
	struct relay r;
	int pair[2];
	start(&r, "65536");
	join(&r, pair);
	struct end client = {.fd = pair[0], .out = 1}, target = {.fd = pair[1], .out = 2};
	fill_up(&r.program, &client, CHUNK);
	fill_up(&r.program, &target, CHUNK);
	close(client.fd);
	close(target.fd);
	stop(&r);
}
END_TEST

START_TEST(an_idle_client_that_is_gone_is_told_to_the_target)
{
	struct relay r;
	int pair[2];
	char byte;
	start(&r, "65536");
	join(&r, pair);
	assert_rests(&r.program);
	close(pair[0]);
	ck_assert_int_ne(poll_in(pair[1], DEADLINE), 0);
	ck_assert_int_eq(read(pair[1], &byte, 1), 0);
	assert_links(&r, 0); /* nobody is left to whom the target could send */
	close(pair[1]);
	stop(&r);
}
END_TEST

START_TEST(without_a_free_fd_a_client_waits_for_one)
{
	struct relay r;
	int pair[2], second;
	start(&r, "65536");
	struct rlimit limit = {.rlim_cur = r.program.fds + 6, .rlim_max = r.program.fds + 6};
	ck_assert_int_eq(prlimit(r.program.pid, RLIMIT_NOFILE, &limit, NULL), 0);
	join(&r, pair);
	assert_links(&r, 1);
	second = stream_socket();
	ck_assert_int_eq(connect(second, (struct sockaddr *)&r.at, sizeof(r.at)), 0);
	assert_rests(&r.program);
	close(pair[0]);
	close(pair[1]);
	ck_assert_int_ne(poll_in(r.target, DEADLINE), 0);
	close(second);
	close(accept4(r.target, NULL, NULL, SOCK_CLOEXEC));
	stop(&r);
}
END_TEST

START_TEST(without_a_target_a_client_is_refused_and_the_relay_goes_on)
{
	struct relay r;
	int client = stream_socket();
	char byte;
	start(&r, "65536");
	ck_assert_int_eq(shutdown(r.target, SHUT_RDWR), 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&r.at, sizeof(r.at)), 0);
	ck_assert_int_ne(poll_in(client, DEADLINE), 0);
	ck_assert_int_eq(read(client, &byte, 1), 0);
	close(client);
	stop(&r);
}
END_TEST

SUITE(examples_relay)
{
	tcase_add_test(tc, a_relay_passes_every_byte_both_ways);
	tcase_add_test(tc, a_relay_passes_every_byte_through_pipes_of_one_page);
	tcase_add_test(tc, a_relay_passes_every_byte_with_small_socket_buffers);
	tcase_add_test(tc, a_relay_serves_many_at_once);
	tcase_add_test(tc, a_relay_serves_many_at_once_through_pipes_of_one_page);
	tcase_add_loop_test(tc, a_relay_rests_when_the_sink_takes_nothing_and_loses_nothing, 0, 2);
	tcase_add_loop_test(tc, a_source_that_is_gone_costs_no_byte_and_no_rest, 0, 2);
	tcase_add_loop_test(tc, a_sink_that_is_gone_is_told_to_the_source, 0, 2);
	tcase_add_test(tc, a_target_that_reads_no_more_may_send_still);
	tcase_add_test(tc, a_connection_whose_both_ends_are_gone_is_over);
	tcase_add_test(tc, an_idle_client_that_is_gone_is_told_to_the_target);
	tcase_add_test(tc, without_a_free_fd_a_client_waits_for_one);
	tcase_add_test(tc, without_a_target_a_client_is_refused_and_the_relay_goes_on);
}
