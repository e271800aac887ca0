#include <stdlib.h>

#include <sys/socket.h>

#include <certhall/clock.h>
#include <certhall/log.h>

#include "service/http_private.h"

/* The library's time-out is for silence: whoever sends a byte now and then would hold a connection for good. So a whole request
 * must have come within a time from the connection's beginning or the answer before. Cutting is shutting the socket down; the
 * library sees its end and does the rest. */

struct hs_connection {
	struct hs_connection *next, **owner;
	int fd;
	int64_t since_ms;
	bool receiving;
};

void hs_connection_changes(void *cls, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what)
{
	struct hs_server *server = cls;
	struct hs_connection *known = *context;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		known = calloc(1, sizeof *known);
		*context = known;
		if (known == NULL || info == NULL) /* then it has no deadline */
			return;
		*known = (struct hs_connection){ .fd = info->connect_fd, .since_ms = clock_monotonic_ms(), .receiving = true };
		pthread_mutex_lock(&server->connections_lock);
		known->next = server->connections;
		known->owner = &server->connections;
		if (known->next != NULL)
			known->next->owner = &known->next;
		server->connections = known;
		pthread_mutex_unlock(&server->connections_lock);
		return;
	}
	if (known == NULL)
		return;
	pthread_mutex_lock(&server->connections_lock);
	if (known->owner != NULL) {
		*known->owner = known->next;
		if (known->next != NULL)
			known->next->owner = known->owner;
	}
	pthread_mutex_unlock(&server->connections_lock);
	free(known);
	*context = NULL;
}

void hs_connection_receives(struct hs_server *server, struct MHD_Connection *connection, bool receiving)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct hs_connection *known = info != NULL ? info->socket_context : NULL;
	if (known == NULL)
		return;
	pthread_mutex_lock(&server->connections_lock);
	known->receiving = receiving;
	known->since_ms = clock_monotonic_ms();
	pthread_mutex_unlock(&server->connections_lock);
}

void hs_connections_cut(struct hs_server *server, int most_s)
{
	int64_t now = clock_monotonic_ms(), most = (int64_t)most_s * 1000;
	size_t cut = 0;
	pthread_mutex_lock(&server->connections_lock);
	for (struct hs_connection *at = server->connections; at != NULL; at = at->next)
		if (at->receiving && now - at->since_ms >= most) {
			shutdown(at->fd, SHUT_RDWR);
			at->receiving = false;
			cut++;
		}
	pthread_mutex_unlock(&server->connections_lock);
	if (cut > 0)
		log_line(LOG_LEVEL_DEBUG, "http", "%zu connections cut: no whole request within %d s", cut, most_s);
}
