using System.Buffers.Binary;
using System.Text.Json;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Rules;
using Payments.Fraud.Scoring;
using Payments.Fraud.Velocity;
using Payments.Platform.Http;
using Xunit;

namespace Payments.Tests.Fraud;

public sealed class VelocityReadingTests
{
    private const long Now = 1_800_000_000_000;

    [Fact]
    public void Counters_have_names_of_their_own_and_keep_their_places()
    {
        Assert.Equal(VelocityCounter.All.Length, VelocityCounter.All.Select(c => c.Name).Distinct().Count());
        Assert.All(VelocityCounter.All, (c, place) => Assert.Equal((place, c), (c.Place, VelocityCounter.Find(c.Name))));

        // Stored decisions count by place: these may never move.
        Assert.Equal((0, 29, 49, 75, 354), (Place("card.attempts_5m"), Place("card.merchants_30d"), Place("card.chargebacks_30d"), Place("customer.emails_5m") + 5, VelocityCounter.All[^1].Place));

        static int Place(string name) => VelocityCounter.Find(name)!.Place;
    }

    [Fact]
    public void A_reading_is_the_same_after_it_was_stored()
    {
        var reading = new VelocityReading();
        foreach (var (place, count) in new[] { (0, 1), (7, 127), (8, 128), (100, 16_383), (101, 16_384), (200, 65_535), (300, 70_000) })
        {
            reading.Set(place, count);
        }

        var stored = VelocityReading.Unpack(reading.Pack());

        Assert.Equal(VelocityCounter.All.Select(c => reading[c]), VelocityCounter.All.Select(c => stored[c]));
        Assert.Equal(65_535, stored[300]);
        Assert.Empty(new VelocityReading().Pack());
    }

    [Fact]
    public void Of_more_records_than_are_kept_the_last_count()
    {
        var bytes = new byte[300 * VelocityRecord.Bytes];
        for (var i = 0; i < 300; i++)
        {
            // The first 45 are old; they are beyond what is read.
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(i * VelocityRecord.Bytes), (ulong)(i < 45 ? Now - (long)TimeSpan.FromDays(20).TotalMilliseconds : Now));
            new Parties((uint)i + 1, 1, 0, 0, 0, 0).ToBytes().CopyTo(bytes, (i * VelocityRecord.Bytes) + 8);
        }

        var reading = new VelocityReading();
        EntityHistory.Count(reading, Subject.Card, bytes, ReadOnlySpan<byte>.Empty, new Parties(300, 1, 0, 0, 0, 0), Now);

        Assert.Equal((255, 255, 255, 1, 0), (Read("card.attempts_30d"), Read("card.attempts_5m"), Read("card.merchants_5m"), Read("card_merchant.attempts_5m"), Read("card.ips_30d")));

        int Read(string name) => reading[VelocityCounter.Find(name)!];
    }

    [Fact]
    public void Each_window_and_each_pair_counts_for_itself_and_outcomes_by_kind()
    {
        var me = new Parties(1, 1, 1, 1, 1, 1);
        VelocityRecord At(TimeSpan age, Measure kind, Parties parties) => new(Now - (long)age.TotalMilliseconds, kind, parties);
        VelocityRecord[] attempts =
        [
            At(TimeSpan.Zero, Measure.Attempts, me), At(TimeSpan.FromMinutes(30), Measure.Attempts, me with { Merchant = 2 }), At(TimeSpan.FromHours(5), Measure.Attempts, me with { Ip = 2, Email = 0 }),
            At(TimeSpan.FromDays(3), Measure.Attempts, me with { Merchant = 2 }), At(TimeSpan.FromDays(29), Measure.Attempts, me), At(TimeSpan.FromDays(31), Measure.Attempts, me with { Merchant = 9 }),
        ];
        VelocityRecord[] outcomes = [At(TimeSpan.FromMinutes(1), Measure.Declines, me), At(TimeSpan.FromDays(2), Measure.Approvals, me with { Merchant = 2 }), At(TimeSpan.FromDays(8), Measure.Chargebacks, me)];
        var reading = new VelocityReading();
        EntityHistory.Count(reading, Subject.Card, attempts, outcomes, me, Now);

        foreach (var (name, counts) in new (string, int[])[]
        {
            //                       5m 1h 24h 7d 30d
            ("card.attempts",       [1, 2, 3, 4, 5]), ("card.merchants", [1, 2, 2, 2, 2]), ("card.ips", [1, 1, 2, 2, 2]), ("card.emails", [1, 1, 1, 1, 1]),
            ("card.declines",       [1, 1, 1, 1, 1]), ("card.approvals", [0, 0, 0, 1, 1]), ("card.chargebacks", [0, 0, 0, 0, 1]), ("card.refunds", [0, 0, 0, 0, 0]),
            ("card_merchant.attempts", [1, 1, 2, 2, 3]), ("card_merchant.approvals", [0, 0, 0, 0, 0]), ("card_merchant.declines", [1, 1, 1, 1, 1]), ("card_ip.attempts", [1, 2, 2, 3, 4]),
        })
        {
            Assert.True(Window.All.Select(w => reading[VelocityCounter.Find($"{name}_{w.Name}")!]).SequenceEqual(counts), name);
        }
    }

    // bucket age in thirtieths of five minutes, whether it is counted
    [Theory]
    [InlineData(0, 1)]
    [InlineData(29, 1)]
    [InlineData(30, 0)]
    public void A_merchants_ring_counts_thirty_buckets(int age, int counted)
    {
        var ring = new byte[5 * 31 * 24];
        var bucket = (Now / 10_000) - age;
        var slot = ring.AsSpan((int)(bucket % 31) * 24);
        BinaryPrimitives.WriteUInt32BigEndian(slot, (uint)bucket);
        BinaryPrimitives.WriteUInt32BigEndian(slot[4..], 1);
        var reading = new VelocityReading();
        MerchantRing.Count(reading, ring, Now);
        Assert.Equal(counted, reading[VelocityCounter.Find("merchant.attempts_5m")!]);
    }

    // address, country
    [Theory]
    [InlineData("203.0.113.0", "US")]
    [InlineData("203.0.113.255", "US")]
    [InlineData("203.0.114.0", null)]
    [InlineData("203.0.112.255", null)]
    [InlineData("2001:db8::ffff", "FR")]
    [InlineData("2001:db9::", null)]
    [InlineData("nowhere", null)]
    [InlineData(null, null)]
    public void An_address_has_the_country_of_its_network(string? address, string? country) =>
        Assert.Equal(country, new IpCountries(["# licensed", "2001:db8::/32,FR", "203.0.113.0/24,US", ""]).Find(address));

    [Theory]
    [InlineData("203.0.113.0/24")]
    [InlineData("203.0.113.0/24,USA")]
    [InlineData("somewhere,US")]
    public void A_line_that_is_no_network_and_country_is_refused(string line) => Assert.Throws<InvalidDataException>(() => new IpCountries([line]));

    [Fact]
    public void Networks_that_overlap_are_refused() => Assert.Throws<InvalidDataException>(() => new IpCountries(["10.0.0.0/8,US", "10.1.0.0/16,FR"]));

    [Fact]
    public void Keys_are_of_the_platforms_key_and_stored_facts_name_nobody()
    {
        var request = new FraudRequest(default, default, Mode.Live, 5_000, "USD", new string('a', 64), "visa", "424242", "US", "credit")
        {
            CustomerReference = "zoe",
            Context = new RiskContext(Ip: "192.0.2.1", Email: "zoe@example.com", DeviceId: "phone"),
        };
        var (one, other) = (new EntityHash(new byte[32]).Of(request), new EntityHash([.. Enumerable.Repeat((byte)1, 32)]).Of(request));
        Assert.NotEqual(one.Card, other.Card);
        Assert.NotEqual(one.Customer, new EntityHash(new byte[32]).Of(request with { MerchantId = new MerchantId(Guid.AllBitsSet) }).Customer);

        var facts = PaymentFacts.Of(request, one, new Observed(DateTimeOffset.UnixEpoch, VelocityReading.Empty, true, false, false, true), "US", 1.5);
        var stored = JsonSerializer.Serialize(facts, StoredFacts.Options);
        Assert.All(new[] { "zoe", "192.0.2.1", "example.com", "phone" }, secret => Assert.DoesNotContain(secret, stored, StringComparison.Ordinal));
        Assert.Equal(facts, JsonSerializer.Deserialize<PaymentFacts>(stored, StoredFacts.Options)! with { Velocity = VelocityReading.Empty });
    }

    [Fact]
    public void A_dry_run_is_told_in_a_sentence() => Assert.Equal(
        "would have blocked 12 of 4,310 payments: USD 1,940.00 of fraud, 310.00 of other payments",
        DryRunRule.Summary(RuleAction.Reject, 4_310, 12, [new DryRunAmount("USD", 9, 194_000, 3, 31_000)]));
}
