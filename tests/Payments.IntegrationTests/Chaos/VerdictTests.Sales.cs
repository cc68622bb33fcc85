using System.Text.Json.Nodes;
using Payments.Chaos.Judging;
using Xunit;

namespace Payments.IntegrationTests.Chaos;

/// <summary>Sales: one event tells of the authorization and of the capture that came with it.</summary>
public sealed partial class VerdictTests
{
    private const string Authorization = "authorization";

    [Fact]
    public void Sales_that_nobody_tampered_with_are_clean()
    {
        Assert.Empty(Verdict.Of(kept.Sales));
        Assert.True(kept.Sales.Events.Count(IsSale) >= 5, "there are sales to judge");
    }

    [Fact]
    public void A_sale_without_its_event_is_found() => Convicts(Rules.EventMissing, kept.Sales with { Events = Without(kept.Sales.Events, IsSale) });

    [Fact]
    public void A_sale_whose_event_does_not_tell_of_the_authorization_is_found()
    {
        var silent = WithFirstSale(data => data.Remove(Authorization));

        Convicts(Rules.EventMissing, silent);
        Convicts(Rules.PostingsDiffer, silent);
    }

    [Fact]
    public void A_sale_whose_event_tells_of_another_amount_is_found()
    {
        var smaller = WithFirstSale(data => data[Authorization]!["amount_minor"] = (long)data[Authorization]!["amount_minor"]! - 1);

        Convicts(Rules.EventMissing, smaller);
        Convicts(Rules.PostingsDiffer, smaller);
    }

    [Fact]
    public void A_capture_that_claims_the_authorization_of_another_is_found()
    {
        var sale = JsonNode.Parse(kept.Sales.Events.First(IsSale).Data)!;
        var thief = Altered(kept.Sales.Events, e => e.Type == "payment.captured" && !IsSale(e), e => e with { Data = With(e.Data, data => data[Authorization] = sale[Authorization]!.DeepClone()) });

        Convicts(Rules.PostingsDiffer, kept.Sales with { Events = thief });
    }

    [Fact]
    public void An_authorization_that_is_told_twice_is_found()
    {
        var sale = kept.Sales.Events.First(IsSale);
        var again = sale with { Id = "evt_again", Type = "payment.authorized", Data = With(sale.Data, data => (data["operation"], data["fees"]) = (data[Authorization]!.DeepClone(), null)) };
        Convicts(Rules.EventMissing, kept.Sales with { Events = [.. kept.Sales.Events.TakeWhile(e => e != sale), again, .. kept.Sales.Events.SkipWhile(e => e != sale)] });
    }

    private Evidence WithFirstSale(Action<JsonObject> change) =>
        kept.Sales with { Events = Altered(kept.Sales.Events, IsSale, e => e with { Data = With(e.Data, change) }) };

    private static bool IsSale(EventRow told) => told.Type == "payment.captured" && JsonNode.Parse(told.Data)![Authorization] is not null;

    private static string With(string data, Action<JsonObject> change)
    {
        var changed = JsonNode.Parse(data)!.AsObject();
        change(changed);
        return changed.ToJsonString();
    }
}
