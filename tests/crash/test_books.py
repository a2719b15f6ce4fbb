"""The book-keeper must not pass by mistake: each thing that may go wrong is done to it once. Needs no server."""

import unittest

from books import Books, Promise


class Verona:
    """Romeo has a phone; Juliet a phone and a desktop. All are there from the beginning."""

    def __init__(self, promise: Promise = Promise.EXACT):
        self.books = Books(promise)
        self.stays = {}
        for device in ("romeo.phone", "juliet.phone", "juliet.desktop"):
            self.books.device(device, device.partition(".")[0])
            self.comes(device)

    def comes(self, device):
        self.stays[device] = self.books.begins(device)
        self.books.ready(self.stays[device])

    def says(self, *, acknowledged=True):
        message = self.books.sends("romeo.phone", "juliet")
        if acknowledged:
            self.books.acknowledged(message)
        return message

    def hears(self, *messages, at=("juliet.phone", "juliet.desktop")):
        for device in at:
            for message in messages:
                self.books.arrived(self.stays[device], message.name)

    def keeps(self, *messages, at=("romeo", "juliet")):
        for account in at:
            for message in messages:
                self.books.archived(account, message.name)

    def found(self):
        """Kinds of what the check has found."""
        self.books.check()
        return [problem.partition(":")[0] for problem in self.books.problems]


class BooksTest(unittest.TestCase):
    def test_all_is_well(self):
        verona = Verona()
        one, two = verona.says(), verona.says()
        verona.hears(one, two)
        verona.keeps(one, two)
        self.assertFalse(verona.books.waiting())
        self.assertEqual(verona.found(), [])
        self.assertEqual(verona.books.counts["acknowledged"], 2)

    def test_a_message_that_nobody_got_is_missing(self):
        for promise in Promise:
            verona = Verona(promise)
            one, two = verona.says(), verona.says()
            verona.hears(one)
            verona.keeps(one, two)
            self.assertTrue(verona.books.waiting())
            self.assertEqual(verona.found(), ["missing"])

    def test_one_device_without_it_is_enough(self):
        verona = Verona()
        one = verona.says()
        verona.hears(one, at=["juliet.phone"])
        verona.keeps(one)
        self.assertEqual(verona.found(), ["missing"])

    def test_a_device_that_came_later_need_not_have_it(self):
        verona = Verona()
        one = verona.says()
        verona.comes("juliet.desktop")
        verona.hears(one, at=["juliet.phone"])
        verona.keeps(one)
        self.assertEqual(verona.found(), [])

    def test_a_device_that_did_not_resume_need_not_have_it_as_long_as_another_has(self):
        verona = Verona(Promise.STORED)
        one = verona.says()
        verona.hears(one, at=["juliet.desktop"])
        verona.keeps(one)
        self.assertEqual(verona.found(), [])

    def test_the_sender_s_other_device_needs_it_too(self):
        verona = Verona()
        one = verona.books.sends("juliet.phone", "romeo")
        verona.books.acknowledged(one)
        verona.hears(one, at=["romeo.phone"])
        verona.keeps(one)
        self.assertEqual(verona.found(), ["missing"])

    def test_a_message_that_an_archive_has_not_is_missing(self):
        for promise in Promise:
            for account in ("romeo", "juliet"):
                verona = Verona(promise)
                one = verona.says()
                verona.hears(one)
                verona.keeps(one, at=[account])
                self.assertEqual(verona.found(), ["missing"])

    def test_a_message_without_an_answer_is_missing(self):
        verona = Verona()
        verona.says(acknowledged=False)
        self.assertEqual(verona.found(), ["missing"])

    def test_a_message_that_comes_twice_is_doubled(self):
        for promise in Promise:
            verona = Verona(promise)
            one = verona.says()
            verona.hears(one)
            verona.hears(one, at=["juliet.phone"])
            verona.keeps(one)
            self.assertEqual(verona.found(), ["doubled"])

    def test_a_message_that_comes_again_after_it_was_settled_is_doubled(self):
        verona = Verona()
        one = verona.says()
        verona.hears(one)
        verona.keeps(one)
        self.assertEqual(verona.found(), [])
        verona.hears(one, at=["juliet.phone"])
        verona.keeps(one, at=["juliet"])
        self.assertEqual(verona.found(), ["doubled", "doubled"])

    def test_who_logs_in_anew_may_get_it_again(self):
        verona = Verona()
        one = verona.says()
        verona.hears(one)
        verona.comes("juliet.phone")
        verona.hears(one, at=["juliet.phone"])
        verona.keeps(one)
        self.assertEqual(verona.found(), [])
        self.assertEqual(verona.books.counts["delivered again"], 1)

    def test_a_message_that_an_archive_has_twice_is_doubled(self):
        for promise in Promise:
            verona = Verona(promise)
            one = verona.says()
            verona.hears(one)
            verona.keeps(one, one, at=["romeo"])
            verona.keeps(one, at=["juliet"])
            self.assertEqual(verona.found(), ["doubled"])

    def test_who_had_to_log_in_anew_and_sends_again_may_double_it_unless_exactly_is_promised(self):
        for promise, found in ((Promise.STORED, []), (Promise.EXACT, ["doubled"] * 4)):
            verona = Verona(promise)
            one = verona.says(acknowledged=False)
            verona.hears(one)
            verona.books.sends_again(one, anew=True)
            verona.books.acknowledged(one)
            verona.hears(one)
            verona.keeps(one, one)
            self.assertEqual(verona.found(), found)

    def test_who_resumes_and_sends_again_must_not_double_it(self):
        verona = Verona(Promise.STORED)
        one = verona.says(acknowledged=False)
        verona.books.sends_again(one, anew=False)
        verona.books.acknowledged(one)
        verona.hears(one)
        verona.keeps(one, one)
        self.assertEqual(verona.found(), ["doubled", "doubled"])

    def test_what_is_in_another_order_is_disordered(self):
        verona = Verona()
        one, two = verona.says(), verona.says()
        verona.hears(two, one, at=["juliet.phone"])
        verona.hears(one, two, at=["juliet.desktop"])
        verona.keeps(one, two, at=["juliet"])
        verona.keeps(two, one, at=["romeo"])
        self.assertEqual(verona.found(), ["disordered", "disordered"])

    def test_what_waits_for_a_full_address_may_be_overtaken_and_nothing_else(self):
        for resource, order, found in (("phone", (1, 0), []), ("phone", (0, 2, 1), ["disordered"]), ("", (1, 0), None)):
            verona = Verona()
            verona.books.ends(verona.stays["juliet.phone"])
            said = [verona.books.sends("romeo.phone", "juliet", resource)]
            verona.comes("juliet.phone")
            said += [verona.books.sends("romeo.phone", "juliet", resource) for _ in range(2)]
            for number in order:
                verona.hears(said[number], at=["juliet.phone"])
            kinds = [problem.partition(":")[0] for problem in verona.books.problems]
            self.assertEqual(kinds, ["disordered"] if found is None else found)

    def test_order_is_promised_for_each_address(self):
        verona = Verona()
        one, two = verona.says(), verona.books.sends("romeo.phone", "juliet", "phone")
        verona.books.acknowledged(two)
        verona.hears(two, one)
        verona.keeps(two, one)
        self.assertEqual(verona.found(), [])

    def test_what_was_never_sent_is_wrong(self):
        verona = Verona()
        verona.says(acknowledged=False)
        for name in ("romeo.phone-juliet-2", "romeo.phone-juliet-0", "romeo.phone-romeo-1", "nonsense", ""):
            verona.books.arrived(verona.stays["juliet.phone"], name)
            verona.books.archived("juliet", name)
        self.assertEqual([p.partition(":")[0] for p in verona.books.problems], ["wrong"] * 10)

    def test_what_comes_to_the_wrong_person_is_wrong(self):
        verona = Verona()
        verona.books.device("nurse.phone", "nurse")
        nurse = verona.books.begins("nurse.phone")
        one = verona.says()
        verona.books.arrived(nurse, one.name)
        verona.books.archived("nurse", one.name)
        self.assertEqual([p.partition(":")[0] for p in verona.books.problems], ["wrong"] * 2)

    def test_what_is_refused_is_nowhere(self):
        verona = Verona()
        one = verona.says()
        verona.books.refused(one.name, "resource-constraint")
        self.assertEqual(verona.found(), [])
        two = verona.says()
        verona.books.refused(two.name, "resource-constraint")
        verona.hears(two, at=["juliet.phone"])
        verona.keeps(two, at=["romeo"])
        self.assertEqual(verona.found(), ["wrong", "wrong"])

    def test_a_session_that_is_lost_breaks_one_of_the_promises(self):
        for promise, found in ((Promise.STORED, []), (Promise.EXACT, ["unresumed"])):
            verona = Verona(promise)
            verona.books.lost_its_session("romeo.phone", "item-not-found")
            self.assertEqual(verona.found(), found)

    def test_what_was_under_way_to_a_session_that_is_lost_must_be_archived_all_the_same(self):
        verona = Verona(Promise.STORED)
        one, _, three = verona.says(), verona.says(), verona.books.sends("juliet.phone", "romeo")
        verona.books.acknowledged(three)
        verona.books.lost_its_session("juliet.phone", "item-not-found")
        late = verona.says()
        verona.keeps(one, three, late)
        self.assertEqual(
            verona.found(), ["missing"] * 4
        )  # the second, twice; the third, which was for another; the last
        self.assertEqual(verona.books.counts["only archived"], 2)

    def test_a_session_in_which_nothing_was_acknowledged_may_be_lost(self):
        verona = Verona()
        one = verona.says()
        verona.books.lost_its_session("juliet.phone", "item-not-found", promised=False)
        verona.comes("juliet.phone")
        verona.keeps(one)
        self.assertEqual(verona.found(), [])


if __name__ == "__main__":
    unittest.main()
