/* X(id, stable name, HTTP status, sentence); the sentence may hold one %s, the error's param. No include guard. */
#ifndef N_
#define N_(text) text
#endif

X(OK, "ok", 200, N_("Done."))
/* general */
X(UNEXPECTED, "unexpected", 500, N_("Something unexpected went wrong (%s). Try again; if it stays, contact customer service."))
X(NO_MEMORY, "no-memory", 503, N_("Not enough memory. Close other programs and try again."))
X(CANCELLED, "cancelled", 409, N_("Cancelled."))
X(CONFIG, "config", 500, N_("The configuration cannot be used: %s"))
X(CONFINE, "confine", 500, N_("This terminal cannot be kept to its own programs (%s). As it is for everybody it does not start; tell whoever looks after it."))
X(FILE, "file", 500, N_("Cannot read or write %s. Check that the disk is not full and that you may write there."))
X(STORAGE, "storage", 503, N_("The hall cannot store anything just now, so nothing was done. What was paid is kept. Try again later."))
X(DISK_FULL, "disk-full", 507, N_("The disk is full: %s. Make room or choose another folder, then try again."))
X(FOLDER_CLOSED, "folder-closed", 500, N_("Nothing may be written to %s. Choose another folder."))
X(FILE_EXISTS, "file-exists", 409, N_("There is a file %s already. Give another name."))
X(DATABASE_IN_USE, "database-in-use", 503, N_("The database %s is in use by the hall or by another command. End that first, then try again."))
X(STAFF_REFUSED, "staff-refused", 409, N_("That cannot be done with %s as things stand."))
X(BAD_INPUT, "bad-input", 400, N_("This input cannot be used: %s"))

/* the way to the hall */
X(NET_RESOLVE, "net-resolve", 502, N_("The hall's address %s cannot be found. Check the network connection."))
X(NET_CONNECT, "net-connect", 502, N_("The hall cannot be reached. Check the network connection and try again."))
X(NET_TIMEOUT, "net-timeout", 504, N_("The hall did not answer in time. Check the network connection and try again."))
X(NET_TLS, "net-tls", 502, N_("The hall's identity could not be verified, so nothing was sent. Check this computer's clock; if it is right, contact customer service."))
X(NET_PROTOCOL, "net-protocol", 502, N_("The hall's answer could not be understood. Try again; if it stays, update this program."))
X(NET_OVERLOADED, "net-overloaded", 503, N_("The hall is busy. Wait a moment and try again."))

/* requests as the hall sees them */
X(NOT_FOUND, "not-found", 404, N_("The hall does not know what was asked for."))
X(METHOD_NOT_ALLOWED, "method-not-allowed", 405, N_("The hall does not take this request."))
X(TOO_LARGE, "too-large", 413, N_("The request is larger than the hall takes."))
X(UNSUPPORTED_MEDIA, "unsupported-media", 415, N_("The hall takes JSON only."))
X(RATE_LIMITED, "rate-limited", 429, N_("Too many requests. Wait a minute and try again."))
X(RANGE, "range", 416, N_("The download could not be resumed. Start it again."))
X(INVALID_FIELD, "invalid-field", 422, N_("The field \"%s\" is not acceptable. Correct it and submit again."))
X(SESSION_NEEDED, "session-needed", 401, N_("The session has ended. Choose the certificate and enter the PIN again."))
X(FORBIDDEN, "forbidden", 403, N_("This order belongs to another certificate. Choose the certificate it was made with."))
X(CHALLENGE_INVALID, "challenge-invalid", 409, N_("The login took too long. Try again."))
X(SIGNATURE_INVALID, "signature-invalid", 403, N_("The key's signature does not fit the certificate. Check that the right key is inserted."))

/* the certificate's standing */
X(CERT_MALFORMED, "certificate-malformed", 400, N_("The certificate cannot be read. Contact customer service."))
X(CERT_UNKNOWN_ISSUER, "certificate-unknown-issuer", 403, N_("This certificate was not issued by this certificate authority. It cannot be renewed here."))
X(CERT_REVOKED, "certificate-revoked", 403, N_("This certificate has been revoked. Visit a service point to apply for a new one."))
X(CERT_SUPERSEDED, "certificate-superseded", 403, N_("This certificate has already been replaced by a newer one, valid until %s."))
X(CERT_NOT_YET_VALID, "certificate-not-yet-valid", 403, N_("This certificate is valid only from %s on. Check this computer's clock."))
X(RENEWAL_TOO_EARLY, "renewal-too-early", 403, N_("It is too early to renew this certificate. It can be renewed from %s on."))
X(RENEWAL_TOO_LATE, "renewal-too-late", 403, N_("The time for renewing online ended on %s. Bring your organisation's documents to a service point."))
X(ALGORITHM_NOT_ALLOWED, "algorithm-not-allowed", 422, N_("The hall does not accept this key's algorithm (%s). Contact customer service."))

/* orders and payment */
X(ORDER_STATE, "order-state", 409, N_("The order has moved on in the meantime. Its present state is shown."))
X(ORDER_NONE, "order-none", 404, N_("There is no such order."))
X(ORDER_CANCELLED, "order-cancelled", 409, N_("The order was cancelled. Nothing was charged; start again for a new one."))
X(ORDER_REFUNDED, "order-refunded", 409, N_("The order is cancelled and the payment goes back the way it came. Start again for a new order."))
X(ACK_NEEDED, "acknowledgement-needed", 422, N_("Please read and confirm the note about encrypted files and bids first."))
X(NOT_PAID, "not-paid", 409, N_("The order is not paid yet. If you have just paid, wait a moment and ask again."))
X(PAYMENT_UNAVAILABLE, "payment-unavailable", 502, N_("The payment service does not answer. Nothing was charged. Try again in a moment."))
X(PAYMENT_LINK, "payment-link", 502, N_("The hall gave no payment code that can be used, so none is shown. Nothing was charged. Ask for a new code; if it stays, contact customer service."))
X(PAYMENT_UNKNOWN, "payment-unknown", 502, N_("The payment's state is not known yet. Do not pay again; ask again in a moment."))
X(PAYMENT_HELD, "payment-held", 409, N_("The payment does not fit the bill. It is kept safe and customer service looks into it. Do not pay again."))

/* invoices */
X(INVOICE_NO_MATCH, "invoice-no-match", 403, N_("No invoice was found, or the digits are wrong. Check the organisation's full name, the taxpayer number, the phone and the digits of the new picture."))
X(INVOICE_NONE, "invoice-none", 404, N_("There is no such invoice, or the query is too old. Query again."))
X(INVOICE_WAITING, "invoice-waiting", 409, N_("The invoice has not been issued yet. Ask again later."))
X(INVOICE_REFUSED, "invoice-refused", 422, N_("The invoice cannot be issued (%s). Contact customer service."))

/* issuing */
X(CSR_INVALID, "csr-invalid", 422, N_("The certificate request is not acceptable (%s). Try again; if it stays, contact customer service."))
X(PROOF_INVALID, "proof-invalid", 422, N_("The request is not properly signed by the old key. Check that the right key is inserted."))
X(KEY_OTHER, "key-other", 409, N_("This order is bound to another key pair. Insert the key on which the installation was begun."))
X(CA_FAILED, "ca-failed", 502, N_("The certificate could not be issued just now. Your payment is kept; try again in a moment."))
X(CERT_MISMATCH, "certificate-mismatch", 500, N_("The certificate from the hall was not written: %s does not fit. Contact customer service; your payment is kept."))

/* live service */
X(CHAT_NOBODY, "chat-nobody", 409, N_("No agent is on duty just now. Leave a message with your number; somebody will call you back."))
X(CHAT_NONE, "chat-none", 404, N_("There is no such conversation. Begin a new one."))
X(CHAT_CLOSED, "chat-closed", 409, N_("The conversation has ended. Begin a new one if something is left."))
X(CHAT_TAKEN, "chat-taken", 409, N_("Another agent has it by now."))
X(CHAT_READ_ONLY, "chat-read-only", 403, N_("A supervisor reads along; taking and writing is for agents."))
X(CHAT_PIN, "chat-pin", 422, N_("This looks like a PIN, so it was not sent. Nobody needs your PIN; never tell it to anyone."))
X(STAFF_ONLY, "staff-only", 403, N_("This certificate is not an agent's. Ask the administrator to register it."))

/* the key */
X(TOKEN_NO_MODULE, "token-no-module", 500, N_("No key component is installed."))
X(TOKEN_MODULE, "token-module", 500, N_("The key component cannot be loaded (%s). Install it again."))
X(TOKEN_HELPER, "token-helper", 500, N_("The key component stopped working. Pull the key out, insert it again and try again."))
X(TOKEN_TIMEOUT, "token-timeout", 500, N_("The key does not answer. Pull it out, insert it again and try again."))
X(TOKEN_ABSENT, "token-absent", 500, N_("No key is inserted. Insert it and try again."))
X(TOKEN_REMOVED, "token-removed", 500, N_("The key was pulled out. Insert it again; what was paid is kept."))
X(TOKEN_SEVERAL, "token-several", 500, N_("More than one key is inserted. Leave only the one to be renewed."))
X(TOKEN_UNINITIALISED, "token-uninitialised", 500, N_("The key is not initialised. Contact customer service."))
X(TOKEN_FULL, "token-full", 500, N_("The key has no room left. Contact customer service; do not delete anything yourself."))
X(TOKEN_BUSY, "token-busy", 500, N_("Another program is using the key. Close it and try again."))
X(TOKEN_WRITE_PROTECTED, "token-write-protected", 500, N_("The key is write-protected. Contact customer service."))
X(TOKEN_DEVICE, "token-device", 500, N_("The key reports a fault. Pull it out, insert it again and try again."))
X(TOKEN_NO_KEY, "token-no-key", 500, N_("The private key of this certificate is not on the key that is inserted. Check that the right key is inserted."))
X(TOKEN_VERIFY, "token-verify", 500, N_("What was read back from the key differs from what was written. Use recovery to try again."))
X(TOKEN_MECHANISM, "token-mechanism", 500, N_("The key cannot do what is needed (%s). Contact customer service."))
X(PIN_INCORRECT, "pin-incorrect", 403, N_("The PIN is wrong."))
X(PIN_LOW, "pin-low", 403, N_("The PIN is wrong. Only a few tries are left."))
X(PIN_FINAL, "pin-final", 403, N_("The PIN is wrong. One try is left; if it is wrong again the key is locked."))
X(PIN_LOCKED, "pin-locked", 403, N_("The key is locked after too many wrong PINs. Only the certificate authority can unlock it: contact customer service. Do not initialise it."))
X(PIN_LENGTH, "pin-length", 403, N_("The PIN is too short or too long."))
X(PIN_NEEDED, "pin-needed", 403, N_("The PIN is needed again."))

/* software of the hall */
X(PACKAGE_SIGNATURE, "package-signature", 500, N_("The list of components is not signed by this hall. Nothing was installed."))
X(PACKAGE_HASH, "package-hash", 500, N_("The downloaded file is not the one the hall lists. It was deleted; download it again."))
X(PACKAGE_NONE, "package-none", 404, N_("The hall has no component for this computer. Contact customer service."))
