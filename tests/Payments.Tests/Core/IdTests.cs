using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Payments.Core;

namespace Payments.Tests.Core;

public sealed class IdTests
{
    [Fact]
    public void An_id_reads_back_as_it_was_written() =>
        Prop.ForAll<Guid>(guid => Id.TryParse<PaymentId>(new PaymentId(guid).ToString(), out var read) && read.Value == guid)
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Ids_sort_by_time_in_every_form()
    {
        var time = new SettableTime();
        var ids = new IdSource(time);
        var made = Enumerable.Range(0, 50).Select(_ =>
        {
            time.Now += TimeSpan.FromMilliseconds(7);
            return ids.New<PaymentId>();
        }).ToArray();
        Assert.Equal(made.Select(i => i.ToString()), made.Select(i => i.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(made.Select(i => i.Value.ToString()), made.Select(i => i.Value.ToString()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Ids_of_one_millisecond_sort_as_they_were_made_and_are_all_different()
    {
        var ids = new IdSource(new SettableTime());
        var made = Enumerable.Range(0, 10_000).Select(_ => ids.New<EventId>().ToString()).ToArray();
        Assert.Equal(made, made.Order(StringComparer.Ordinal).Distinct());
    }

    [Fact]
    public void Ids_follow_a_clock_that_is_set_back()
    {
        var time = new SettableTime();
        var ids = new IdSource(time);
        ids.New<EventId>();
        time.Now -= TimeSpan.FromHours(1);
        Assert.Equal(time.Now, Id.TimeOf(ids.New<EventId>().Value));
    }

    [Fact]
    public void Ids_of_a_seed_repeat_and_are_ids_like_any_other()
    {
        PaymentId[] Made(int seed)
        {
            var ids = new IdSource(new SettableTime(), new Random(seed));
            return [.. Enumerable.Range(0, 5_000).Select(_ => ids.New<PaymentId>())];
        }

        var made = Made(1);
        Assert.Equal(made, Made(1));
        Assert.Empty(made.Intersect(Made(2)));
        Assert.Equal(made, made.OrderBy(i => i.ToString(), StringComparer.Ordinal).Distinct());
        Assert.All(made, i => Assert.Equal((7, 2), (i.Value.Version, i.Value.Variant >> 2)));
        Assert.Equal(new SettableTime().Now, Id.TimeOf(made[0].Value));
    }

    [Fact]
    public void An_attempt_id_fits_every_providers_idempotency_key() =>
        Assert.True(new AttemptId(Guid.AllBitsSet).ToString().Length <= 64);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("pay_")]
    [InlineData("re_00000000000000000000000000")] // another kind
    [InlineData("pay_0000000000000000000000000")] // too short
    [InlineData("pay_000000000000000000000000000")] // too long
    [InlineData("pay_0000000000000000000000000u")] // not in the alphabet
    [InlineData("pay_0000000000000000000000000A")] // one spelling only
    [InlineData("pay_80000000000000000000000000")] // beyond 128 bits
    [InlineData("pay_zzzzzzzzzzzzzzzzzzzzzzzzzz")]
    public void Nonsense_is_no_id(string? text) => Assert.False(Id.TryParse<PaymentId>(text, out _));

    [Fact]
    public void Ids_are_text_in_JSON_and_another_kinds_text_is_refused()
    {
        var id = new PaymentId(Guid.AllBitsSet);
        var json = JsonSerializer.Serialize(id, Json.Options);
        Assert.Equal("\"pay_7zzzzzzzzzzzzzzzzzzzzzzzzz\"", json);
        Assert.Equal(id, JsonSerializer.Deserialize<PaymentId>(json, Json.Options));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<RefundId>(json, Json.Options));
    }

    private sealed class SettableTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
