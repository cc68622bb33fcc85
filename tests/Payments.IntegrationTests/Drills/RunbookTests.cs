using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Payments.Api.Recovery;
using Payments.Platform;
using Xunit;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Payments.IntegrationTests.Drills;

/// <summary>What the runbooks say is there: drills, metrics, health checks, endpoints.</summary>
[Collection(DrillProduct.Name)]
public sealed partial class RunbookTests(DrillProduct product)
{
    private static readonly string[] Ten =
    [
        "bad-migration", "database-failover", "disk-full", "kafka-loss", "ledger-gap", "poison-event", "provider-outage", "provider-webhooks", "redis-loss",
        "unknown-outcomes",
    ];

    private static readonly string[] Parts = ["## Symptom", "## Look", "## Act", "## Drill"];

    private static IEnumerable<string> Pages => Directory.EnumerateFiles(Runbook.Folder, "*.md");

    [Fact]
    public void Each_of_the_ten_runbooks_has_its_parts_and_a_drill_and_stands_in_the_index()
    {
        var index = File.ReadAllText(Path.Combine(Runbook.Folder, "README.md"));
        var drills = typeof(RunbookTests).Assembly.GetTypes().Where(t => t.GetMethods().Any(m => m.GetCustomAttributes<FactAttribute>().Any())).Select(t => t.Name).ToHashSet();
        foreach (var name in Ten)
        {
            var text = Runbook.Open(name).Text;
            var places = Parts.Select(p => text.IndexOf(p, StringComparison.Ordinal)).ToArray();
            Assert.True(places.All(p => p >= 0) && places.SequenceEqual(places.Order()), $"{name} lacks a part");
            var drill = DrillLink().Match(text[places[^1]..]);
            Assert.True(drill.Success && drills.Contains(drill.Groups[1].Value), $"{name} names no drill");
            Assert.Contains($"]({name}.md)", index, StringComparison.Ordinal);
            Assert.Contains(drill.Groups[1].Value, index, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_link_of_the_runbooks_and_of_incidents_leads_somewhere()
    {
        foreach (var page in Pages)
        {
            foreach (Match link in Link().Matches(File.ReadAllText(page)))
            {
                Assert.True(File.Exists(Path.GetFullPath(Path.Combine(Runbook.Folder, link.Groups[1].Value))), $"{page}: {link.Groups[1].Value}");
            }
        }

        Assert.All(IncidentKinds.All, k => Assert.True(File.Exists(Path.Combine(Runbook.Folder, k.Runbook)), $"{k.Name}: {k.Runbook}"));
    }

    [Fact]
    public async Task Every_metric_that_the_runbooks_name_is_one_that_the_product_has()
    {
        using (await product.Merchant.GetAsync(new Uri("/v1/payments?limit=1", UriKind.Relative), TestContext.Current.CancellationToken))
        {
            // Whatever is made with the first request is made.
        }

        var known = Instruments();
        Assert.Contains("payments.outbox.lag", known.Keys);
        foreach (var page in Pages)
        {
            foreach (Match metric in Metric().Matches(File.ReadAllText(page)))
            {
                Assert.True(metric.Groups[1].Value == Names.Topics.PaymentEvents || known.ContainsKey(metric.Groups[1].Value), $"{Path.GetFileName(page)} names {metric.Groups[1].Value}, which nothing measures");
            }
        }
    }

    [Fact]
    public void Every_alert_on_a_metric_is_a_rule_of_what_the_product_measures_with_the_runbook_of_its_row()
    {
        using var file = File.OpenText(Path.Combine(Runbook.Folder, "alerts.yaml"));
        var rules = new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).IgnoreUnmatchedProperties().Build()
            .Deserialize<AlertFile>(file).Groups.SelectMany(g => g.Rules).ToList();
        var exported = Instruments().Values.Select(Exported).ToHashSet();
        foreach (var rule in rules)
        {
            var metrics = PrometheusName().Matches(Grouping().Replace(rule.Expr, "")).Select(m => m.Value).ToList();
            Assert.NotEmpty(metrics);
            Assert.All(metrics, m => Assert.True(exported.Contains(m), $"{rule.Alert}: nothing is exported as {m}"));
            Assert.True(File.Exists(Path.GetFullPath(Path.Combine(Runbook.Folder, rule.Annotations["runbook"]))), $"{rule.Alert}: {rule.Annotations["runbook"]}");
        }

        var rows = File.ReadLines(Path.Combine(Runbook.Folder, "README.md")).Select(l => AlertRow().Match(l)).Where(m => m.Success).ToList();
        Assert.True(rows.Count > 10);
        foreach (var row in rows)
        {
            var rule = Assert.Single(rules, r => r.Alert == row.Groups[1].Value);
            Assert.Contains(row.Groups[2].Value.Replace('.', '_'), rule.Expr, StringComparison.Ordinal);
            Assert.Contains($"]({rule.Annotations["runbook"]})", row.Groups[3].Value, StringComparison.Ordinal);
        }
    }

    /// <summary>As OTLP's metrics are named in Prometheus: the unit and, of what only grows, what it is.</summary>
    private static string Exported(Instrument instrument)
    {
        var name = instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "");
        return instrument.GetType().GetGenericTypeDefinition() switch
        {
            var type when type == typeof(Counter<>) || type == typeof(ObservableCounter<>) => name + "_total",
            var type when type == typeof(Histogram<>) => name + "_count",
            _ => name,
        };
    }

    private sealed class AlertFile
    {
        public List<AlertGroup> Groups { get; init; } = [];
    }

    private sealed class AlertGroup
    {
        public List<AlertRule> Rules { get; init; } = [];
    }

    private sealed class AlertRule
    {
        public string Alert { get; init; } = "";

        public string Expr { get; init; } = "";

        public Dictionary<string, string> Annotations { get; init; } = [];
    }

    [Fact]
    public void Every_health_check_that_alerts_name_is_one_that_a_service_has()
    {
        var known = new[] { Names.Services.Api, Names.Services.Vault, Names.Services.Ledger, Names.Services.Webhooks, Names.Services.Fraud }
            .SelectMany(s => product.Host.ServicesOf(s).GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations.Select(r => r.Name)).ToHashSet();
        var named = Pages.SelectMany(p => Check().Matches(File.ReadAllText(p)).Select(m => m.Groups[1].Value)).ToList();

        Assert.NotEmpty(named);
        Assert.All(named, n => Assert.Contains(n, known));
    }

    [Fact]
    public async Task Every_endpoint_that_the_runbooks_name_is_one_that_the_API_has()
    {
        var document = await DrillSteps.ReadAsync(product.Api, "/openapi/v1.json", TestContext.Current.CancellationToken);
        var known = document.GetProperty("paths").EnumerateObject().Select(p => new Regex("^" + Parameter().Replace(p.Name, "[^/]+") + "$")).ToList();
        var named = Pages.SelectMany(p => Endpoint().Matches(File.ReadAllText(p)).Select(m => m.Value.TrimEnd('/', '.'))).Distinct().ToList();

        Assert.NotEmpty(named);
        Assert.All(named, n => Assert.True(known.Any(k => k.IsMatch(n)), $"{n} is no endpoint"));
    }

    /// <summary>The instruments of all meters of our own: those that exist with the first use of a class are called into being.</summary>
    private static Dictionary<string, Instrument> Instruments()
    {
        foreach (var type in AppDomain.CurrentDomain.GetAssemblies().Where(a => a.GetName().Name!.StartsWith("Payments.", StringComparison.Ordinal) && !a.GetName().Name!.EndsWith("Tests", StringComparison.Ordinal))
            .SelectMany(a => a.GetTypes())
            .Where(t => !t.ContainsGenericParameters && t.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public).Any(f => f.FieldType == typeof(Meter))))
        {
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        }

        var found = new Dictionary<string, Instrument>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name.StartsWith(Names.TelemetryPrefix, StringComparison.Ordinal))
                {
                    found[instrument.Name] = instrument;
                }
            },
        };
        listener.Start();
        return found;
    }

    [GeneratedRegex(@"Drills/(\w+)\.cs\)")]
    private static partial Regex DrillLink();

    [GeneratedRegex(@"\]\((?!https?:)([^)#]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"`((?:payments|messaging)\.[a-z_.]+)`")]
    private static partial Regex Metric();

    [GeneratedRegex(@"\bby \([^)]*\)")]
    private static partial Regex Grouping();

    /// <summary>A metric within an expression: labels are followed by what they are compared with.</summary>
    [GeneratedRegex(@"\bpayments_[a-z_]+(?=\[|\)|\{)")]
    private static partial Regex PrometheusName();

    [GeneratedRegex(@"^\| ([^|]+?) \| `(payments\.[a-z_.]+)` \|[^|]+\| (.+) \|$")]
    private static partial Regex AlertRow();

    [GeneratedRegex(@"check `([a-z.]+)`")]
    private static partial Regex Check();

    [GeneratedRegex(@"/ops/v1/[a-z_/{}]+")]
    private static partial Regex Endpoint();

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();
}
