using System.Text;
using Microsoft.AspNetCore.Http;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Xunit;

namespace Payments.Tests.Http;

public sealed class IdempotencyKeyTests
{
    [Theory]
    [InlineData("abc", "abc")]
    [InlineData("\"abc\"", "abc")]
    [InlineData("\"a\\\"b\\\\c\"", "a\"b\\c")]
    [InlineData("a b", "a b")]
    public void Quoted_and_bare_keys_are_read(string header, string key) => Assert.Equal(key, Read(header).Value);

    [Theory]
    [InlineData("")]
    [InlineData("\"\"")]
    [InlineData("\"abc")]
    [InlineData("\"a\"b\"")]
    [InlineData("\"a\\b\"")]
    [InlineData("\"a\\\"")]
    [InlineData("käse")]
    [InlineData("a\tb")]
    public void What_is_no_key_is_refused(string header) => Assert.Equal(Problems.IdempotencyKeyInvalid, Read(header).Problem);

    [Fact]
    public void A_key_may_have_255_characters_and_no_more()
    {
        Assert.Null(Read(new string('k', 255)).Problem);
        Assert.Null(Read($"\"{new string('k', 255)}\"").Problem);
        Assert.Equal(Problems.IdempotencyKeyInvalid, Read(new string('k', 256)).Problem);
    }

    [Fact]
    public void A_missing_key_is_named() => Assert.Equal(Problems.IdempotencyKeyMissing, IdempotencyKey.Read(new DefaultHttpContext()).Problem);

    [Fact]
    public void Two_keys_are_none() => Assert.Equal(Problems.IdempotencyKeyInvalid, Read("a", "b").Problem);

    [Theory]
    [InlineData("""{"a":1,"b":{"c":"x","d":[1,2]}}""", """ { "b": {"d": [1, 2], "c": "x"}, "a": 1 } """, true)]
    [InlineData("""{"a":1}""", """{"a":2}""", false)]
    [InlineData("""{"a":[1,2]}""", """{"a":[2,1]}""", false)]
    [InlineData("""{"a":1}""", """{"a":"1"}""", false)]
    [InlineData("", "{}", false)]
    public void Fingerprints_compare_meaning_not_spelling(string one, string other, bool same)
    {
        var fingerprint = new RequestFingerprint(new byte[32]);
        Assert.Equal(same, fingerprint.Of("POST", "/v1/x", Bytes(one)).SequenceEqual(fingerprint.Of("POST", "/v1/x", Bytes(other))));
    }

    [Fact]
    public void Fingerprints_depend_on_method_path_and_key()
    {
        var one = new RequestFingerprint(new byte[32]);
        var other = new RequestFingerprint([.. Enumerable.Repeat((byte)1, 32)]);
        var all = new[] { one.Of("POST", "/a", Bytes("{}")), one.Of("DELETE", "/a", Bytes("{}")), one.Of("POST", "/b", Bytes("{}")), other.Of("POST", "/a", Bytes("{}")) };
        Assert.Equal(4, all.Select(Convert.ToHexString).Distinct().Count());
    }

    private static Read<string> Read(params string[] headers)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers[IdempotencyKey.Header] = headers;
        return IdempotencyKey.Read(context);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
