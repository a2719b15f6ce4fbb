// Everything but anser/asio.h, which needs Boost.Asio. Read in this order: configuration, connection, message,
// presence, iq, roster, chat; then what you need. socket stands for itself: the door of mobile apps; and so
// does file_upload: forms with files, for programs that answer HTTP. The tutorial is docs/tutorial.md.
#pragma once

#include "anser/account_manager.h"
#include "anser/address.h"
#include "anser/archive.h"
#include "anser/carbons.h"
#include "anser/chat.h"
#include "anser/configuration.h"
#include "anser/connection.h"
#include "anser/delivery.h"
#include "anser/element.h"
#include "anser/error.h"
#include "anser/file_transfer.h"
#include "anser/file_upload.h"
#include "anser/filter.h"
#include "anser/iq.h"
#include "anser/loop.h"
#include "anser/message.h"
#include "anser/presence.h"
#include "anser/roster.h"
#include "anser/socket.h"
#include "anser/socket_message.h"
#include "anser/stanza.h"
