using Payments.Connectors;
using Payments.Core;
using Xunit;

namespace Payments.IntegrationTests.Connectors;

/// <summary>Every fault of the simulators, at every operation: the class of the outcome, and what is on the books.</summary>
public sealed class FaultTests(ProvidersWorld world) : IClassFixture<ProvidersWorld>, IAsyncLifetime
{
    // fault, executed where it is said, expected outcome, whether the provider did it
    private static readonly (string Kind, bool? Executed, OutcomeKind Outcome, bool Done)[] Faults =
    [
        ("delay", null, OutcomeKind.Approved, true),
        ("timeout_before", null, OutcomeKind.Unknown, false),
        ("timeout_after", null, OutcomeKind.Unknown, true),
        ("drop_before", null, OutcomeKind.Unknown, false),
        ("drop_after", null, OutcomeKind.Unknown, true),
        ("429", null, OutcomeKind.NotProcessed, false),
        ("500", true, OutcomeKind.Unknown, true),
        ("500", false, OutcomeKind.Unknown, false),
        ("503", null, OutcomeKind.Unknown, false),
        ("malformed", null, OutcomeKind.Unknown, true),
        ("unavailable", null, OutcomeKind.Unknown, false),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<Provider, string, int> All
    {
        get
        {
            var data = new TheoryData<Provider, string, int>();
            foreach (var provider in Enum.GetValues<Provider>())
            {
                foreach (var operation in new[] { "authorize", "capture", "void", "refund" })
                {
                    for (var fault = 0; fault < Faults.Length; fault++)
                    {
                        data.Add(provider, operation, fault);
                    }
                }
            }

            return data;
        }
    }

    public async ValueTask InitializeAsync() => await world.RestartConnectorsAsync(("AuthorizeMilliseconds", "30000"), ("ModifyMilliseconds", "30000"));

    public async ValueTask DisposeAsync() => await world.ClearFaultsAsync();

    [Theory]
    [MemberData(nameof(All))]
    public async Task Every_fault_has_its_class(Provider provider, string operation, int index)
    {
        var fault = Faults[index];
        var connector = world[provider];
        var call = await world.CallAsync(provider, captureNow: operation == "refund");
        var reference = operation == "authorize" ? null : (await connector.AuthorizeAsync(call, Cancel)).PaymentReference!;
        var modify = ProvidersWorld.Modify(call, reference ?? "", 10_000);
        if (fault.Kind.StartsWith("timeout", StringComparison.Ordinal))
        {
            await world.RestartConnectorsAsync(("AuthorizeMilliseconds", "3000"), ("ModifyMilliseconds", "3000"));
            connector = world[provider];
        }

        await world.InjectAsync(provider, operation, fault.Kind, count: 1, fault.Executed);
        var outcome = operation switch
        {
            "authorize" => await connector.AuthorizeAsync(call, Cancel),
            "capture" => await connector.CaptureAsync(modify, Cancel),
            "void" => await connector.VoidAsync(modify, Cancel),
            _ => await connector.RefundAsync(modify, Cancel),
        };

        var done = provider == Provider.Adyen && operation != "authorize" ? OutcomeKind.Pending : OutcomeKind.Approved;
        Assert.Equal(fault.Outcome == OutcomeKind.Approved ? done : fault.Outcome, outcome.Kind);
        Assert.Equal(fault.Done ? 1 : 0, await CountAsync(provider, operation, call));
        await AssertReadBackAsync(provider, operation, fault.Done, call, reference, operation == "authorize" ? call.AttemptId : modify.AttemptId);
    }

    [Theory]
    [InlineData("delay", OutcomeKind.Approved)]
    [InlineData("timeout_before", OutcomeKind.Unknown)]
    [InlineData("drop_after", OutcomeKind.Unknown)]
    [InlineData("429", OutcomeKind.NotProcessed)]
    [InlineData("503", OutcomeKind.Unknown)]
    [InlineData("malformed", OutcomeKind.Unknown)]
    public async Task Faults_while_a_card_is_stored_have_their_class(string kind, OutcomeKind expected)
    {
        foreach (var provider in Enum.GetValues<Provider>())
        {
            await world.RestartConnectorsAsync(("TokeniseMilliseconds", kind == "timeout_before" ? "1500" : "30000"));
            await world.InjectAsync(provider, "tokenize", kind, count: kind == "delay" ? 1 : null);
            var answer = await world[provider].TokeniseAsync(
                new TokeniseCall(ProvidersWorld.Ids.New<TokenId>(), ProvidersWorld.Ids.New<MerchantId>(), Mode.Test, new CardData("4242424242424242", 12, 2034, "123", null)), Cancel);
            Assert.Equal(expected, answer.Kind);
            await world.ClearFaultsAsync();
        }
    }

    /// <summary>Only Stripe can be asked.</summary>
    private async Task AssertReadBackAsync(Provider provider, string operation, bool done, AuthorizeCall call, string? reference, AttemptId attempt)
    {
        var kind = Enum.Parse<OperationKind>(operation, ignoreCase: true);
        var read = await world[provider].ReadAsync(ProvidersWorld.Read(kind, attempt, call, reference), Cancel);
        Assert.Equal(provider == Provider.Adyen ? ReadBackKind.CannotAsk : done ? ReadBackKind.Found : ReadBackKind.NotFound, read.Kind);
        if (read.Kind == ReadBackKind.Found)
        {
            Assert.Equal(OutcomeKind.Approved, read.Outcome!.Kind);
        }
    }

    private async Task<int> CountAsync(Provider provider, string operation, AuthorizeCall call)
    {
        var charges = await world.BooksAsync(provider, call.AttemptId.ToString());
        return operation == "authorize" ? charges.Count : Assert.Single(charges).GetProperty(operation + "s").GetArrayLength();
    }
}
