using System.Text;
using System.Text.Json.Nodes;
using Payments.Fraud.Model;

namespace Payments.Tests.Fraud.Model;

public sealed class EnsembleFileTests
{
    private static readonly IsotonicCalibration Isotonic = new([new(-3, 0.01, 500), new(-1, 0.01, 20), new(2, 0.75, 40)]);

    [Fact]
    public void A_model_survives_its_file_to_the_last_bit()
    {
        var random = new Random(2);
        foreach (var calibration in new Calibration[] { Isotonic, new PlattCalibration(1.25, -0.1, 1234.5) })
        {
            var written = RandomEnsembles.Of(random, 20, 16, 9, calibration);
            var read = EnsembleFile.Read(EnsembleFile.Write(written));
            Assert.Equal(written.Features.AsEnumerable(), read.Features);
            Assert.Equal(written.Base, read.Base);
            Assert.Equal(written.Trees.SelectMany(t => t.Nodes), read.Trees.SelectMany(t => t.Nodes));
            Assert.Equal(written.Origin with { Metrics = read.Origin.Metrics }, read.Origin);
            Assert.Equal(written.Origin.Metrics.AsEnumerable(), read.Origin.Metrics);
            Assert.Equal(EnsembleFile.Write(written), EnsembleFile.Write(read));
        }
    }

    // Where in the file, what stands there instead, and what the refusal says. An empty value removes the member.
    [Theory]
    [InlineData("format", "\"pmml\"", "format must be")]
    [InlineData("format_version", "2", "format_version is 2")]
    [InlineData("origin", "null", "Not a model")]
    [InlineData("origin", "", "Not a model")]
    [InlineData("origin.version", "\"\"", "origin.version")]
    [InlineData("origin.trained_to", "-5", "origin.trained_to")]
    [InlineData("origin.frauds", "101", "origin.frauds")]
    [InlineData("origin.surprise", "1", "Not a model")]
    [InlineData("base", "1e300", "base must be")]
    [InlineData("base", "\"0\"", "Not a model")]
    [InlineData("features", "[]", "features must be")]
    [InlineData("features", "[\"a\",\"a\"]", "features must differ")]
    [InlineData("features", "[null]", "features must be names")]
    [InlineData("trees", "[null]", "trees[0] must not be null")]
    [InlineData("trees.0.feature", "[0]", "trees[0] must have arrays of one length")]
    [InlineData("trees.0.feature", "[2,-1,-1]", "trees[0].feature[0] must be below 2")]
    [InlineData("trees.0.feature", "[-2,-1,-1]", "trees[0].node[0] is a leaf")]
    [InlineData("trees.0.feature", "[0,-1,0.5]", "Not a model")]
    [InlineData("trees.0.threshold", "[1e39,0,0]", "trees[0].threshold[0] must be finite")]
    [InlineData("trees.0.left", "[0,0,0]", "trees[0].left/right[0] must be two different later nodes")]
    [InlineData("trees.0.left", "[2,0,0]", "trees[0].left/right[0] must be two different later nodes")]
    [InlineData("trees.0.left", "[3,0,0]", "trees[0].left/right[0] must be two different later nodes")]
    [InlineData("trees.0.left", "[-1,0,0]", "trees[0].left/right[0] must be two different later nodes")]
    [InlineData("trees.0.value", "[1,0,0]", "trees[0].value[0] must be 0")]
    [InlineData("trees.0.value", "[0,1e39,0]", "trees[0].value[1] must be a finite number")]
    [InlineData("trees.0.cover", "[10,4,-6]", "trees[0].cover")]
    [InlineData("trees.0.cover", "[11,4,6]", "trees[0].cover[0] must be the sum")]
    [InlineData("trees.0.missing_left", "[true,true,false]", "trees[0].node[1] is a leaf")]
    [InlineData("calibration.kind", "\"spline\"", "calibration.kind must be")]
    [InlineData("calibration.slope", "1", "isotonic has points only")]
    [InlineData("calibration.points", "[]", "calibration.points must be")]
    [InlineData("calibration.points.1.raw", "-4", "calibration.points[1] must rise")]
    [InlineData("calibration.points.2.probability", "0", "calibration.points[2] must rise")]
    [InlineData("calibration.points.2.probability", "1.5", "calibration.points[2] needs a probability")]
    [InlineData("calibration.points.2.rows", "0", "calibration.points[2] needs")]
    [InlineData("calibration.points.2", "null", "calibration.points[2]")]
    public void A_file_that_is_not_exactly_a_model_is_refused_with_the_place(string place, string value, string refusal)
    {
        var model = Parse();
        var steps = place.Split('.');
        JsonNode parent = model;
        foreach (var step in steps[..^1])
        {
            parent = int.TryParse(step, out var index) ? parent[index]! : parent[step]!;
        }

        if (value.Length == 0)
        {
            parent.AsObject().Remove(steps[^1]);
        }
        else if (int.TryParse(steps[^1], out var last))
        {
            parent[last] = JsonNode.Parse(value);
        }
        else
        {
            parent[steps[^1]] = JsonNode.Parse(value);
        }

        Assert.Contains(refusal, Refused(model.ToJsonString()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"format\":\"payments-fraud-ensemble\"")]
    [InlineData("{\"format\":\"a\",\"format\":\"b\"}")]
    public void What_is_not_even_such_a_document_is_refused(string text) => Assert.NotEmpty(Refused(text));

    [Fact]
    public void A_node_with_two_parents_or_none_is_refused()
    {
        var model = Parse();
        model["trees"]![0] = JsonNode.Parse("""
            {"feature":[0,0,-1,-1,-1],"threshold":[1,1,0,0,0],"left":[1,2,0,0,0],"right":[2,3,0,0,0],"missing_left":[false,false,false,false,false],
             "value":[0,0,1,1,1],"cover":[4,2,1,1,1]}
            """);
        Assert.Contains("trees[0]", Refused(model.ToJsonString()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_over_features_that_are_not_computed_here_is_refused_and_others_find_their_place()
    {
        var random = new Random(8);
        var ensemble = RandomEnsembles.Of(random, 5, 8, 2);
        var placed = ensemble.Over(["x", "f1", "f0"]);
        var row = RandomEnsembles.Row(random, 2);
        Assert.Equal(ensemble.Raw(row), placed.Raw([5, row[1], row[0]]));
        Assert.Contains("f1", Assert.Throws<EnsembleFormatException>(() => ensemble.Over(["f0"])).Message, StringComparison.Ordinal);
    }

    private static string Refused(string json) => Assert.Throws<EnsembleFormatException>(() => EnsembleFile.Read(Encoding.UTF8.GetBytes(json))).Message;

    private static JsonObject Parse()
    {
        var tree = new DecisionTree([new(0, 0.5f, 1, 2, true, 0, 10), TreeNode.Leaf(-1, 4), TreeNode.Leaf(1, 6)]);
        return JsonNode.Parse(EnsembleFile.Write(new(RandomEnsembles.Origin, ["a", "b"], -2, [tree], Isotonic)))!.AsObject();
    }
}
