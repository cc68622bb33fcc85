using System.Text.Json;

namespace Payments.IntegrationTests.Simulators;

/// <summary>Runs the scripts of <c>tests/vendors</c>, which use the vendors' own npm packages as they are.</summary>
internal static class VendorClients
{
    private static readonly NodePackage Package = new("vendors");

    /// <summary>What each scenario saw.</summary>
    public static async Task<JsonElement> RunAsync(string script, IReadOnlyDictionary<string, string> environment, IEnumerable<string> scenarios, CancellationToken cancellationToken)
    {
        var output = await Package.RunAsync(script, scenarios, "", cancellationToken, environment);
        return JsonDocument.Parse(output).RootElement;
    }
}
