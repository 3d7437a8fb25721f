// TLS under a stream, byte by byte: what is sealed for the turn's end, and what comes that is no data.
#include "proxy/net/tls.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/stream.h"
#include "proxy/net/task.h"
#include "tests/proxy/net/talk.h"
#include "tests/proxy/net/turning.h"

namespace weir::net {
namespace {

/// Bytes that are nowhere twice the same for long.
std::string text_of(size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + ' ';
  text.resize(size);
  return text;
}

class TlsTest : public TlsTalks {
 protected:
  /// Writes all of it, as a session does; what its client heard.
  std::string say(Talk& talk, std::string_view text) {
    std::string heard;
    for (int step = 0; step < 10'000 && !text.empty(); ++step) {
      const Io io = talk.stream.write_kept(text);
      if (io.state == IoState::error) break;
      if (io.state == IoState::ok) text.remove_prefix(io.size);
      turn(loop);
      heard += talk.heard();
    }
    EXPECT_TRUE(text.empty()) << text.size() << " bytes did not leave";
    return heard;
  }
};

TEST_F(TlsTest, WhatIsSealedLeavesAtTheTurnsEndAndIsCountedOnce) {
  const auto all = talks(3);
  const std::string text = "a response";
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept(text).state, IoState::again);
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept(text).state, IoState::again) << "asked too early";
  EXPECT_EQ(all.front()->heard(), "");
  loop.sends().submit();
  for (const auto& one : all) {
    EXPECT_EQ(one->heard(), text);
    const Io io = one->stream.write_kept(text);
    EXPECT_EQ(io.state, IoState::ok);
    EXPECT_EQ(io.size, text.size());
    EXPECT_TRUE(loop.sends().empty());
    EXPECT_EQ(one->heard(), "") << "the outcome was asked for, not another send";
  }
}

/// How many send in the same turn: one alone needs no ring.
class TlsPart : public TlsTest, public ::testing::WithParamInterface<size_t> {};

TEST_P(TlsPart, ThatLeftIsFollowedByTheRestAndNothingGoesTwice) {
  const auto all = talks(GetParam());
  const std::string text = text_of(16'000);
  for (const auto& one : all) one->narrow();
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept(text).state, IoState::again);
  loop.sends().submit();
  for (const auto& one : all) {
    EXPECT_FALSE(one->stream.writable()) << "all of it left: nothing here is tested";
    EXPECT_EQ(one->stream.write_kept(text).state, IoState::again);
    EXPECT_TRUE(loop.sends().empty()) << "what cannot leave is not kept";
  }
  for (const auto& one : all) EXPECT_EQ(say(*one, text), text);
}

TEST_P(TlsPart, ThatLeftIsFollowedByBytesThatGrewAndMoved) {
  const auto all = talks(GetParam());
  const std::string grown = text_of(40'000);
  auto first = std::make_unique<std::string>(grown.substr(0, 12'000));
  for (const auto& one : all) one->narrow();
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept(*first).state, IoState::again);
  loop.sends().submit();
  first->assign(first->size(), 'x');
  first.reset();
  for (const auto& one : all) EXPECT_EQ(say(*one, grown), grown);
}

INSTANTIATE_TEST_SUITE_P(Senders, TlsPart, ::testing::Values(1, 2),
                         [](const auto& info) { return info.param == 1 ? "Alone" : "Together"; });

TEST_F(TlsTest, BytesThatGrewAndMovedBeforeTheyLeftAreAllThatIsHeard) {
  const auto all = talks(2);
  auto first = std::make_unique<std::string>("HTTP/1.1 103 Early Hints\r\n\r\n");
  const std::string hint = *first, grown = hint + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept(*first).state, IoState::again);
  first->assign(first->size(), 'x');
  first.reset();
  EXPECT_EQ(all[0]->stream.write_kept(grown).state, IoState::again);
  loop.sends().submit();
  const Io io = all[0]->stream.write_kept(grown);
  EXPECT_EQ(io.state, IoState::ok);
  EXPECT_EQ(io.size, grown.size());
  EXPECT_EQ(all[0]->heard(), grown);
  EXPECT_EQ(all[1]->heard(), hint);
}

TEST_F(TlsTest, NewKeysThatAreAskedForMeanwhileSealWhatComesAfter) {
  const auto all = talks(2);
  SSL* const client = all[0]->client.get();
  SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED);
  SSL_do_handshake(client);
  turn(loop);
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept("first ").state, IoState::again);
  std::array<char, 4096> room;
  EXPECT_EQ(all[0]->stream.read(room).state, IoState::again);
  loop.sends().submit();
  EXPECT_EQ(all[0]->stream.write_kept("first ").size, 6u);
  EXPECT_EQ(all[0]->heard(), "first ");
  EXPECT_EQ(say(*all[0], "second"), "second");
  EXPECT_EQ(all[1]->heard(), "first ");
}

TEST_F(TlsTest, AnAlertDoesNotOvertakeWhatIsSealed) {
  const auto all = talks(2);
  const std::string nonsense = std::string("\x17\x03\x03\x00\x40", 5) + std::string(64, 'x');
  ASSERT_EQ(::send(all[0]->peer, nonsense.data(), nonsense.size(), MSG_NOSIGNAL), 69);
  turn(loop);
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept("last words").state, IoState::again);
  std::array<char, 4096> room;
  EXPECT_EQ(all[0]->stream.read(room).state, IoState::error);
  EXPECT_EQ(all[0]->heard(), "last words");
  EXPECT_EQ(all[0]->end, SSL_ERROR_SSL) << "the alert";
  loop.sends().submit();
  EXPECT_EQ(all[0]->heard(), "");
  EXPECT_EQ(all[0]->stream.write_kept("more").state, IoState::error);
  EXPECT_EQ(all[1]->heard(), "last words");
}

TEST_F(TlsTest, WhoEndsBeforeItsBytesLeftSaysThemAndGoodbye) {
  const auto all = talks(2);
  for (const auto& one : all) one->stream.write_kept("text");
  all[0]->stream.close();
  loop.sends().submit();
  EXPECT_EQ(all[0]->heard(), "text");
  EXPECT_EQ(all[0]->end, SSL_ERROR_ZERO_RETURN);
  EXPECT_EQ(all[1]->heard(), "text");
}

TEST_F(TlsTest, WhoIsCutOffBeforeItsBytesLeftSendsNothingAndHurtsNobody) {
  const auto all = talks(2);
  for (const auto& one : all) one->stream.write_kept("text");
  all[0]->stream.abort();
  loop.sends().submit();
  EXPECT_EQ(all[0]->heard(), "");
  EXPECT_NE(all[0]->end, SSL_ERROR_ZERO_RETURN) << "there was no goodbye";
  EXPECT_EQ(all[1]->heard(), "text");
}

TEST_F(TlsTest, OneWhoIsGoneIsAnErrorForItsOwnStreamAlone) {
  const auto all = talks(3);
  all[1]->hang_up();
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept("text").state, IoState::again);
  loop.sends().submit();
  const Io gone = all[1]->stream.write_kept("text");
  EXPECT_EQ(gone.state, IoState::error);
  EXPECT_EQ(gone.error, EPIPE);
  EXPECT_EQ(all[0]->heard(), "text");
  EXPECT_EQ(all[2]->heard(), "text");
}

/// So many key updates of the client's, and a word behind them, as they go over the wire.
std::string key_updates(Talk& talk, size_t count, std::string_view word) {
  SSL* const client = talk.client.get();
  BIO* const wire = BIO_new(BIO_s_mem());
  SSL_set0_wbio(client, wire);
  for (size_t i = 0; i < count; ++i) {
    SSL_key_update(client, SSL_KEY_UPDATE_NOT_REQUESTED);
    EXPECT_EQ(SSL_do_handshake(client), 1);
  }
  size_t size = 0;
  EXPECT_EQ(SSL_write_ex(client, word.data(), word.size(), &size), 1);
  char* bytes = nullptr;
  const long all = BIO_get_mem_data(wire, &bytes);
  return {bytes, static_cast<size_t>(all)};
}

TEST_F(TlsTest, AFloodOfKeyUpdatesEndsTheConnectionWithinATurn) {
  Talk talk(loop, server);
  const std::string flood = key_updates(talk, 5'000, "at last");
  ASSERT_EQ(::send(talk.peer, flood.data(), flood.size(), MSG_NOSIGNAL), static_cast<ssize_t>(flood.size()));
  turn(loop);
  std::array<char, 4096> room;
  EXPECT_EQ(talk.stream.read(room).state, IoState::error);
  int left = 0;
  ioctl(talk.stream.descriptor(), FIONREAD, &left);
  EXPECT_GT(left, 0) << "all of it was gone through";
}

TEST_F(TlsTest, KeyUpdatesWithSomethingSaidBetweenThemAreNoFlood) {
  Talk talk(loop, server);
  for (int i = 0; i < 10; ++i) {
    const std::string some = key_updates(talk, 20, "word");
    ASSERT_EQ(::send(talk.peer, some.data(), some.size(), MSG_NOSIGNAL), static_cast<ssize_t>(some.size()));
    turn(loop);
    std::array<char, 4096> room;
    const Io io = talk.stream.read(room);
    ASSERT_EQ(io.state, IoState::ok) << i;
    EXPECT_EQ(std::string(room.data(), io.size), "word");
  }
}

}  // namespace
}  // namespace weir::net
