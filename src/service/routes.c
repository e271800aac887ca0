#include <stdio.h>
#include <string.h>

#include <certhall/clock.h>

#include "service/service.h"

/* Needs nothing but memory, so that it is answered at once. */
static HALL_HANDLER(hall_get)
{
	(void)worker;
	const struct hall *hall = ctx;
	const struct settings *s = &hall->settings;
	struct hall_info info = { .time = clock_now(), .pay_minutes = s->pay_minutes, .invoice_days = s->invoice_days, .pin_tries = s->pin_tries,
		.payment_ready = atomic_load(&hall->payment_ready), .project = s->projects[0].project };
	snprintf(info.name, sizeof info.name, "%s", s->name);
	snprintf(info.minimum_version, sizeof info.minimum_version, "%s", s->minimum_version);
	snprintf(info.hotline, sizeof info.hotline, "%s", s->hotline);
	snprintf(info.audience, sizeof info.audience, "%s", s->audience);
	int rc = hs_answer(request, 200, hall_info_codec, &info);
	return rc == 0 ? 0 : error_set(err, ERR_NO_MEMORY, NULL, "hall");
}

static HALL_HANDLER(crl_get_route)
{
	struct call call = call_begin(ctx, request, worker);
	struct bytes crl = { 0 };
	int rc = crl_get(call.hall, call.db, call.now, &crl, err);
	if (rc == 0)
		rc = hs_answer_bytes(request, 200, "application/pkix-crl", crl.data, crl.len);
	bytes_free(&crl);
	return rc;
}

static HALL_HANDLER(health_get)
{
	struct call call = call_begin(ctx, request, worker);
	struct sql_stmt *q = sql_prepare(call.db, "SELECT count(*) FROM setting");
	sql_row(q);
	int rc = sql_done(q, err);
	if (rc == 0 && sql_health() != SQL_GOOD)
		rc = error_set(err, ERR_STORAGE, NULL, "the database is not well");
	return rc != 0 ? rc : hs_answer_bytes(request, 200, "text/plain", "ok\n", 3);
}

const struct hs_route hall_routes[] = {
	{ "GET", "/healthz", HS_UNLIMITED, health_get },
	{ "GET", "/v1/hall", HS_INLINE, hall_get },
	{ "GET", "/v1/crl", 0, crl_get_route },
	{ "POST", "/v1/standings", 0, standings_post },
	{ "POST", "/v1/challenges", 0, challenges_post },
	{ "POST", "/v1/sessions", 0, sessions_post },
	{ "GET", "/v1/session", 0, session_get },
	{ "DELETE", "/v1/session", 0, session_delete },
	{ "POST", "/v1/captchas", 0, captchas_post },
	{ "POST", "/v1/invoices/query", 0, invoices_query },
	{ "POST", "/v1/invoices/page", 0, invoices_page },
	{ "GET", "/v1/invoices/{id}/pdf", 0, invoice_pdf },
	{ "GET", "/v1/invoices/{id}/xml", 0, invoice_xml },
	{ "GET", "/v1/service", 0, service_get },
	{ "POST", "/v1/conversations", 0, conversations_post },
	{ "GET", "/v1/conversations/{id}", 0, conversation_get },
	{ "POST", "/v1/conversations/{id}/messages", 0, messages_post },
	{ "POST", "/v1/conversations/{id}/history", 0, history_post },
	{ "POST", "/v1/conversations/{id}/marks", 0, marks_post },
	{ "POST", "/v1/conversations/{id}/leave", 0, leave_post },
	{ "POST", "/v1/conversations/{id}/close", 0, close_post },
	{ "POST", "/v1/conversations/{id}/transfer", 0, transfer_post },
	{ "GET", "/v1/conversations/{id}/events", 0, conversation_events },
	{ "GET", "/v1/desk", 0, desk_get },
	{ "POST", "/v1/desk/state", 0, desk_state },
	{ "POST", "/v1/desk/take", 0, desk_take },
	{ "GET", "/v1/desk/events", 0, desk_events },
	{ "GET", "/v1/packages", 0, packages_get },
	{ "GET", "/v1/packages/{id}/content", 0, package_content },
	{ "GET", "/v1/help/{language}", 0, help_get },
	{ "POST", "/v1/orders", 0, orders_post },
	{ "GET", "/v1/orders/{number}", 0, order_get },
	{ "POST", "/v1/orders/{number}/payment", HS_GATEWAY, order_payment },
	{ "POST", "/v1/orders/{number}/payment/query", HS_GATEWAY, order_payment_query },
	{ "POST", "/v1/orders/{number}/cancel", HS_GATEWAY, order_cancel },
	{ "POST", "/v1/orders/{number}/requests", 0, order_requests },
	{ "POST", "/v1/orders/{number}/installed", 0, order_installed },
	{ "GET", "/v1/orders/{number}/events", 0, order_events },
	{ "POST", "/v1/notify/{driver}", HS_FORM | HS_UNLIMITED | HS_GATEWAY, notify_post },
	{ NULL, NULL, 0, NULL },
};
