#include <certhall/chat.h>

const char *const agent_state_names[] = { "offline", "online", "busy", "away", NULL };
const char *const agent_role_names[] = { "agent", "supervisor", NULL };
const char *const chat_side_names[] = { "customer", "agent", "hall", NULL };
const char *const message_kind_names[] = { "text", "report", "order", "question", "note", "joined", "transferred", "closed", NULL };
const char *const conversation_state_names[] = { "waiting", "talking", "closed", "left", NULL };

const struct codec agent_codec[] = {
	CODEC_ROW(struct agent, id, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct agent, name, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct agent, role, agent_role_names, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct agent, state, agent_state_names, CODEC_REQUIRED),
	CODEC_ROW(struct agent, serving, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct agent, most, CODEC_INT, CODEC_REQUIRED),
	{ 0 }
};

const struct codec chat_service_codec[] = {
	CODEC_ROW(struct chat_service, time, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ROW(struct chat_service, waiting, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct chat_service, answer_seconds, CODEC_INT, CODEC_REQUIRED),
	CODEC_ARRAY_ROW(struct chat_service, agents, agent_codec, CODEC_REQUIRED),
	{ 0 }
};

const struct codec message_codec[] = {
	CODEC_ROW(struct message, seq, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct message, id, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct message, side, chat_side_names, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct message, kind, message_kind_names, CODEC_REQUIRED),
	CODEC_ROW(struct message, author, CODEC_TEXT, 0),
	CODEC_ROW(struct message, at, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ROW(struct message, body, CODEC_LONG_TEXT, 0),
	{ 0 }
};

const struct codec conversation_codec[] = {
	CODEC_ROW(struct conversation, id, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct conversation, state, conversation_state_names, CODEC_REQUIRED),
	CODEC_ROW(struct conversation, revision, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct conversation, time, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ROW(struct conversation, topic, CODEC_TEXT, 0),
	CODEC_ROW(struct conversation, language, CODEC_TEXT, 0),
	CODEC_ROW(struct conversation, holder, CODEC_TEXT, 0),
	CODEC_ROW(struct conversation, wanted, CODEC_TEXT, 0),
	CODEC_ROW(struct conversation, agent, CODEC_TEXT, 0),
	CODEC_ROW(struct conversation, agent_name, CODEC_TEXT, 0),
	CODEC_ROW(struct conversation, created, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ROW(struct conversation, since, CODEC_TIME, CODEC_REQUIRED),
	CODEC_ROW(struct conversation, offered_until, CODEC_TIME, 0),
	CODEC_ROW(struct conversation, last_seq, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct conversation, customer_got, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct conversation, customer_read, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct conversation, agent_got, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct conversation, agent_read, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct conversation, position, CODEC_INT, 0),
	CODEC_ROW(struct conversation, on_duty, CODEC_INT, CODEC_REQUIRED),
	CODEC_ROW(struct conversation, rating, CODEC_INT, 0),
	CODEC_ROW(struct conversation, callback, CODEC_TEXT, 0),
	CODEC_ROW(struct conversation, token, CODEC_TEXT, 0),
	CODEC_OPTIONAL_ROW(struct conversation, last, message_codec),
	{ 0 }
};

const struct codec conversation_request_codec[] = {
	CODEC_ROW(struct conversation_request, request, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct conversation_request, agent, CODEC_TEXT, 0),
	CODEC_ROW(struct conversation_request, topic, CODEC_TEXT, 0),
	CODEC_ROW(struct conversation_request, language, CODEC_TEXT, 0),
	CODEC_ROW(struct conversation_request, callback, CODEC_TEXT, 0),
	CODEC_ROW(struct conversation_request, text, CODEC_LONG_TEXT, 0),
	{ 0 }
};

const struct codec message_request_codec[] = {
	CODEC_ROW(struct message_request, id, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct message_request, kind, message_kind_names, CODEC_REQUIRED),
	CODEC_ROW(struct message_request, body, CODEC_LONG_TEXT, CODEC_REQUIRED),
	{ 0 }
};

const struct codec history_request_codec[] = {
	CODEC_ROW(struct history_request, after, CODEC_INT, CODEC_REQUIRED),
	{ 0 }
};

const struct codec message_page_codec[] = {
	CODEC_ROW(struct message_page, last_seq, CODEC_INT, CODEC_REQUIRED),
	CODEC_ARRAY_ROW(struct message_page, messages, message_codec, CODEC_REQUIRED),
	{ 0 }
};

const struct codec chat_marks_codec[] = {
	CODEC_ROW(struct chat_marks, got, CODEC_INT, 0),
	CODEC_ROW(struct chat_marks, read, CODEC_INT, 0),
	CODEC_ROW(struct chat_marks, typing, CODEC_BOOL, 0),
	{ 0 }
};

const struct codec chat_typing_codec[] = {
	CODEC_ROW(struct chat_typing, conversation, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ENUM_ROW(struct chat_typing, side, chat_side_names, CODEC_REQUIRED),
	{ 0 }
};

const struct codec leave_request_codec[] = {
	CODEC_ROW(struct leave_request, callback, CODEC_TEXT, CODEC_REQUIRED),
	CODEC_ROW(struct leave_request, text, CODEC_LONG_TEXT, CODEC_REQUIRED),
	{ 0 }
};

const struct codec close_request_codec[] = {
	CODEC_ROW(struct close_request, rating, CODEC_INT, 0),
	{ 0 }
};

const struct codec desk_codec[] = {
	CODEC_ROW(struct desk, revision, CODEC_LONG, CODEC_REQUIRED),
	CODEC_ROW(struct desk, time, CODEC_TIME, CODEC_REQUIRED),
	CODEC_OBJECT_ROW(struct desk, agent, agent_codec, CODEC_REQUIRED),
	CODEC_ARRAY_ROW(struct desk, agents, agent_codec, CODEC_REQUIRED),
	CODEC_ARRAY_ROW(struct desk, conversations, conversation_codec, CODEC_REQUIRED),
	{ 0 }
};

const struct codec agent_presence_codec[] = {
	CODEC_ENUM_ROW(struct agent_presence, state, agent_state_names, CODEC_REQUIRED),
	{ 0 }
};

const struct codec take_request_codec[] = {
	CODEC_ROW(struct take_request, conversation, CODEC_TEXT, 0),
	{ 0 }
};

const struct codec chat_transfer_codec[] = {
	CODEC_ROW(struct chat_transfer, agent, CODEC_TEXT, 0),
	CODEC_ROW(struct chat_transfer, note, CODEC_LONG_TEXT, 0),
	{ 0 }
};
