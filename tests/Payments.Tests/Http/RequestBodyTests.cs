using System.Text;
using Payments.Core;
using Payments.Platform.Http;
using Xunit;

namespace Payments.Tests.Http;

public sealed class RequestBodyTests
{
    private sealed record Body(
        long Amount,
        string Currency,
        Inner PaymentMethod,
        CaptureMethod? CaptureMethod = null,
        string? Description = null,
        IReadOnlyDictionary<string, string>? Metadata = null,
        IReadOnlyList<string>? Types = null,
        bool Final = false,
        Optional<int?> Limit = default,
        OptionalOrNull<string> Name = default);

    private sealed record Inner(TokenId Token);

    private const string Token = "tok_01jmxk2v7f00000000000000a0";
    private const string Good = $$"""{"amount": 5, "currency": "USD", "payment_method": {"token": "{{Token}}"}""";

    [Fact]
    public void A_complete_body_is_read()
    {
        var read = RequestBody.Parse<Body>(Bytes(Good + """, "capture_method": "manual", "metadata": {"a": "b"}, "types": ["x"], "limit": 3, "name": null}"""));
        Assert.Null(read.Problem);
        Assert.Equal((5, "USD", CaptureMethod.Manual, "b"), (read.Value!.Amount, read.Value.Currency, read.Value.CaptureMethod!.Value, read.Value.Metadata!["a"]));
        Assert.Equal(new Optional<int?>(3, true), read.Value.Limit);
        Assert.Equal(new OptionalOrNull<string>(null, true), read.Value.Name);
    }

    [Fact]
    public void An_absent_optional_is_not_given()
    {
        var read = RequestBody.Parse<Body>(Bytes(Good + "}"));
        Assert.False(read.Value!.Limit.IsGiven);
        Assert.False(read.Value.Name.IsGiven);
        Assert.Equal(7, read.Value.Limit.Or(7));
    }

    [Theory]
    [InlineData("", "body_missing", "body")]
    [InlineData("null", "invalid_json", "body")]
    [InlineData("[]", "invalid_json", "body")]
    [InlineData("{", "invalid_json", "body")]
    [InlineData("{} {}", "invalid_json", "body")]
    [InlineData("{\"amount\": 5,}", "invalid_json", "body")]
    [InlineData("{/**/}", "invalid_json", "body")]
    [InlineData("{\"amount\": 05}", "invalid_json", "body")]
    [InlineData("{}", "missing_field", "amount")]
    [InlineData("""{"amount": 5, "currency": "USD", "payment_method": {}}""", "missing_field", "payment_method.token")]
    [InlineData("""{"amount": "5"}""", "wrong_type", "amount")]
    [InlineData("""{"amount": 5.5}""", "wrong_type", "amount")]
    [InlineData("""{"amount": 1e2}""", "wrong_type", "amount")]
    [InlineData("""{"amount": 9223372036854775808}""", "wrong_type", "amount")]
    [InlineData("""{"amount": null}""", "null_field", "amount")]
    [InlineData("""{"amount": true}""", "wrong_type", "amount")]
    [InlineData("""{"currency": 5}""", "wrong_type", "currency")]
    [InlineData("""{"currency": null}""", "null_field", "currency")]
    [InlineData("""{"currency": "U\u0000D"}""", "invalid_character", "currency")]
    [InlineData("""{"Amount": 5}""", "unknown_field", "Amount")]
    [InlineData("""{"a\u0000b": 5}""", "invalid_character", "body")]
    [InlineData("""{"amount": 5, "amount": 6}""", "duplicate_field", "amount")]
    [InlineData("""{"payment_method": "x"}""", "wrong_type", "payment_method")]
    [InlineData("""{"payment_method": {"token": "tok_1"}}""", "invalid_value", "payment_method.token")]
    [InlineData("""{"payment_method": {"token": 1}}""", "wrong_type", "payment_method.token")]
    [InlineData("""{"payment_method": {"token": "pay_01jmxk2v7f00000000000000a0"}}""", "invalid_value", "payment_method.token")]
    [InlineData("""{"payment_method": {"card": 1}}""", "unknown_field", "payment_method.card")]
    [InlineData("""{"capture_method": "never"}""", "invalid_value", "capture_method")]
    [InlineData("""{"capture_method": 0}""", "wrong_type", "capture_method")]
    [InlineData("""{"metadata": []}""", "wrong_type", "metadata")]
    [InlineData("""{"metadata": {"a": 1}}""", "wrong_type", "metadata.a")]
    [InlineData("""{"metadata": {"a": null}}""", "null_field", "metadata.a")]
    [InlineData("""{"metadata": {"a": "1", "a": "2"}}""", "duplicate_field", "metadata.a")]
    [InlineData("""{"types": ["a", 1]}""", "wrong_type", "types[1]")]
    [InlineData("""{"final": "yes"}""", "wrong_type", "final")]
    [InlineData("""{"final": null}""", "null_field", "final")]
    [InlineData("""{"limit": "x"}""", "wrong_type", "limit")]
    [InlineData("""{"name": 1}""", "wrong_type", "name")]
    [InlineData("""{"description": "\ud800"}""", "invalid_character", "description")]
    [InlineData("""{"metadata": {"a": "\udc00"}}""", "invalid_character", "metadata.a")]
    [InlineData("""{"\ud800": 1}""", "invalid_json", "body")]
    [InlineData("""{"": 1}""", "unknown_field", "body")]
    public void What_differs_is_named(string json, string code, string param)
    {
        var problem = RequestBody.Parse<Body>(Bytes(json)).Problem;
        Assert.NotNull(problem);
        Assert.Equal((code, param, 400), (problem.Code, problem.Param, problem.Status));
    }

    [Theory]
    [InlineData("tok_1")]
    [InlineData("pay_01jmxk2v7f00000000000000a0")]
    [InlineData("")]
    public void An_id_that_is_none_is_told_how_one_begins(string token) => Assert.Equal(
        "An id beginning 'tok_' is expected.", RequestBody.Parse<Body>(Bytes($$$"""{"payment_method": {"token": "{{{token}}}"}}""")).Problem!.Detail);

    [Fact]
    public void A_body_that_is_not_UTF_8_is_refused() =>
        Assert.Equal(Problems.InvalidUtf8, RequestBody.Parse<Body>(new byte[] { (byte)'{', 0xC3, 0x28, (byte)'}' }).Problem);

    [Theory]
    [InlineData(16, false)]
    [InlineData(17, true)]
    [InlineData(20_000, true)]
    public void Nesting_is_limited(int levels, bool refused)
    {
        var json = "{\"x\":" + new string('[', levels - 1) + new string(']', levels - 1) + "}";
        Assert.Equal(refused ? "body_too_deep" : "unknown_field", RequestBody.Parse<Body>(Bytes(json)).Problem!.Code);
    }

    [Fact]
    public void Brackets_in_texts_are_no_nesting()
    {
        var json = Good + $$""", "description": "{{new string('[', 100)}}\"{"}""";
        Assert.Null(RequestBody.Parse<Body>(Bytes(json)).Problem);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
