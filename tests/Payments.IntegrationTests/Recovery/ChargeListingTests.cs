using System.Reflection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Payments.Api.Flow;
using Payments.Api.Recovery;
using Payments.Connectors;
using Payments.Core;
using Payments.IntegrationTests.Flow;
using Xunit;

namespace Payments.IntegrationTests.Recovery;

/// <summary>How the cursor of a listing moves. What becomes of a charge that is found: <see cref="PhantomTests"/>.</summary>
public sealed class ChargeListingTests(EmbeddedServers servers)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_page_that_is_not_told_leaves_the_cursor_where_it_was()
    {
        await using var flow = await FlowDatabase.CreateAsync(servers, Token);
        await BehindAsync(flow, "30 minutes");
        var before = await CursorAsync(flow);
        var provider = Provider((call, _) => call.After is null ? new ChargePage(ReadBackKind.Found, [], "page 2") : ChargePage.Without(ReadBackKind.Unanswered));

        Assert.False(await ListAsync(flow, provider));

        Assert.Equal([null, "page 2"], provider.Calls.Select(c => c.After));
        Assert.Equal(before, await CursorAsync(flow));
        // Not at once again: at its next time.
        Assert.False(await ListAsync(flow, provider));
        Assert.Equal(2, provider.Calls.Count);

        await flow.RunAsync("UPDATE charge_listings SET due_at = now()", Token);
        Assert.False(await ListAsync(flow, provider));
        Assert.Equal(provider.Calls[0].From, provider.Calls[2].From);
    }

    [Fact]
    public async Task One_that_is_hours_behind_catches_up_an_hour_at_a_time_with_an_overlap()
    {
        await using var flow = await FlowDatabase.CreateAsync(servers, Token);
        await BehindAsync(flow, "150 minutes");
        var start = await CursorAsync(flow);
        var provider = Provider((_, _) => new ChargePage(ReadBackKind.Found, [], null));

        Assert.True(await ListAsync(flow, provider));
        Assert.True(await ListAsync(flow, provider));
        Assert.False(await ListAsync(flow, provider));

        Assert.Equal([start, start.AddHours(1), start.AddHours(2)], provider.Calls.Select(c => c.From.AddMinutes(10)));
        Assert.Equal(provider.Calls.Take(2).Select(c => c.Until), provider.Calls.Skip(1).Select(c => c.From.AddMinutes(10)));
        Assert.Equal(provider.Calls[2].Until, await CursorAsync(flow));
    }

    [Fact]
    public async Task Who_was_too_slow_and_lost_its_turn_moves_nothing()
    {
        await using var flow = await FlowDatabase.CreateAsync(servers, Token);
        await BehindAsync(flow, "30 minutes");
        var before = await CursorAsync(flow);
        var provider = Provider((_, calls) =>
        {
            // Between two pages the lease has run out and another replica took the stretch.
            flow.RunAsync("UPDATE charge_listings SET fence = fence + 1, leased_until = now() + interval '2 minutes'", Token).GetAwaiter().GetResult();
            return new ChargePage(ReadBackKind.Found, [], calls == 1 ? "page 2" : null);
        });

        Assert.False(await ListAsync(flow, provider));

        Assert.Single(provider.Calls);
        Assert.Equal(before, await CursorAsync(flow));
        Assert.Equal(1, await flow.CountAsync("SELECT count(*) FROM charge_listings WHERE leased_until > now()", Token));
    }

    [Fact]
    public async Task Of_a_list_that_lacks_more_than_a_hundred_payments_a_hundred_are_asked_for_and_a_person_is_told_of_the_rest()
    {
        await using var flow = await FlowDatabase.CreateAsync(servers, Token);
        await using var notices = new NoticeStore(flow.Source, flow.Ids, TimeProvider.System);
        var (merchant, provider, now) = (flow.Ids.New<MerchantId>(), Provider((_, _) => throw new NotSupportedException()), TimeProvider.System.GetUtcNow());
        await Task.WhenAll(Enumerable.Range(0, 100).Select(n => flow.CapturedAsync(merchant, $"lost {n}")));
        await LookAsync();
        Assert.Equal((100, 0L), (provider.Asked, await flow.CountAsync("SELECT count(*) FROM incidents", Token)));

        await flow.CapturedAsync(merchant, "lost too");
        await LookAsync();
        await LookAsync();
        Assert.Equal(300, provider.Asked);
        await using var incidents = flow.Source.CreateCommand("SELECT string_agg(concat_ws(' ', kind, mode, subject, seen, merchant_id, payment_id) || ': ' || detail, ';') FROM incidents");
        var told = Assert.IsType<string>(await incidents.ExecuteScalarAsync(Token));
        Assert.StartsWith("charge_missing test stripe:list 2: stripe's list of charges from ", told, StringComparison.Ordinal);
        Assert.EndsWith(" lacks 101 of 101 payments; 100 of them are asked for, the others are not.", told, StringComparison.Ordinal);

        async Task LookAsync() => Assert.True(await new MissingCharges(flow.Source, notices, flow.Ids, NullLogger<MissingCharges>.Instance).LookAsync(
            (IConnector)(object)provider, new(Core.Provider.Stripe, Mode.Test, now.AddMinutes(-5), now.AddMinutes(5), 1, false), TimeSpan.FromSeconds(10), [], Token));
    }

    /// <summary>None of these listings has a charge, so nothing is taken in.</summary>
    private static Task<bool> ListAsync(FlowDatabase flow, Lister provider) =>
        new ChargeListing(flow.Source, new ConnectorRegistry([]), null!, new MissingCharges(flow.Source, null!, null!, NullLogger<MissingCharges>.Instance), TimeProvider.System, Options.Create(new ListingOptions()), NullLogger<ChargeListing>.Instance)
            .ListAsync((IConnector)(object)provider, Token);

    private static Task BehindAsync(FlowDatabase flow, string age) =>
        flow.RunAsync($"INSERT INTO charge_listings (provider, mode, listed_until) VALUES ('stripe', 'test', now() - interval '{age}')", Token);

    private static async Task<DateTimeOffset> CursorAsync(FlowDatabase flow)
    {
        await using var command = flow.Source.CreateCommand("SELECT listed_until FROM charge_listings");
        return new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync(Token))!);
    }

    private static Lister Provider(Func<ChargeListCall, int, ChargePage> page)
    {
        var lister = (Lister)(object)DispatchProxy.Create<IConnector, Lister>();
        lister.Page = page;
        return lister;
    }

    /// <summary>A provider that lists, and knows every charge that it is asked for.</summary>
    public class Lister : DispatchProxy
    {
        public List<ChargeListCall> Calls { get; } = [];

        public int Asked { get; private set; }

        internal Func<ChargeListCall, int, ChargePage> Page { get; set; } = null!;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            switch (targetMethod!.Name)
            {
                case "get_" + nameof(IConnector.Provider): return Core.Provider.Stripe;
                case "get_" + nameof(IConnector.Mode): return Mode.Test;
                case nameof(IConnector.ListChargesAsync):
                    Calls.Add((ChargeListCall)args![0]!);
                    return Task.FromResult(Page(Calls[^1], Calls.Count));
                case nameof(IConnector.ReadChargeAsync):
                    Asked++;
                    return Task.FromResult(new ChargeReading(ReadBackKind.Found));
                default: throw new NotSupportedException(targetMethod.Name);
            }
        }
    }
}
