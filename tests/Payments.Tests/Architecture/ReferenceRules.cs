using System.Xml.Linq;

namespace Payments.Tests.Architecture;

/// <summary>Which project may reference which. A service may use libraries, never another service.</summary>
internal static class ReferenceRules
{
    private static readonly string[] Services = ["Api", "Vault", "Ledger", "Fraud", "Webhooks", "Reconciliation", "Console"];

    /// <summary>Project → what it may reference; a test or measuring project or the AllInOne host may reference anything below src.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Payments.Core"] = [],
        ["Payments.Platform"] = ["Payments.Core"],
        ["Payments.ServiceDefaults"] = ["Payments.Platform"],
        ["Payments.Connectors"] = ["Payments.Core"],
        ["Payments.Simulators"] = ["Payments.ServiceDefaults"],

        // A command line program around the service's training, not a service beside it.
        ["Payments.Fraud.Training"] = ["Payments.Fraud"],
    };

    /// <summary>One sentence for each reference that breaks the rules.</summary>
    public static IEnumerable<string> Violations(string project, IEnumerable<string> references)
    {
        if (project.EndsWith("Tests", StringComparison.Ordinal) || project is "Payments.AllInOne" or "Payments.AppHost" or "Payments.Chaos" or "Payments.Simulation" or "Payments.Bench" or "Payments.TrafficGenerator")
        {
            yield break;
        }

        var service = Services.Any(s => project == "Payments." + s);
        var allowed = Allowed.GetValueOrDefault(project)
            ?? (service ? ["Payments.Core", "Payments.Platform", "Payments.ServiceDefaults", "Payments.Connectors"] : []);
        if (service && project is not ("Payments.Api" or "Payments.Vault"))
        {
            allowed = [.. allowed.Where(a => a != "Payments.Connectors")];
        }

        foreach (var reference in references.Where(r => !allowed.Contains(r)))
        {
            yield return $"{project} must not reference {reference}.";
        }
    }

    public static (string Project, string[] References) Read(string path) =>
        (Path.GetFileNameWithoutExtension(path),
            [.. XDocument.Load(path).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')))]);
}
