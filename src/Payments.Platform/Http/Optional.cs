using System.Text.Json;
using System.Text.Json.Serialization;

namespace Payments.Platform.Http;

/// <summary>
/// A member of a PATCH body that may be absent (leave as it is), null (take away, where <typeparamref name="T"/> is declared nullable)
/// or have a value. Declare as <c>Optional&lt;int?&gt; limit = default</c>; for texts and objects that may be taken away use <see cref="OptionalOrNull{T}"/>.
/// </summary>
[JsonConverter(typeof(OptionalJson))]
public readonly record struct Optional<T>(T Value, bool IsGiven)
{
    /// <summary>The given value, or what holds now.</summary>
    public T Or(T current) => IsGiven ? Value : current;
}

/// <summary>As <see cref="Optional{T}"/> for a text or object that may be null.</summary>
[JsonConverter(typeof(OptionalJson))]
public readonly record struct OptionalOrNull<T>(T? Value, bool IsGiven)
    where T : class
{
    /// <summary>The given value, or what holds now.</summary>
    public T? Or(T? current) => IsGiven ? Value : current;
}

internal sealed class OptionalJson : JsonConverterFactory
{
    /// <summary>What stands inside an optional type; null for other types.</summary>
    public static (Type Type, bool Nullable)? InnerOf(Type type) =>
        !type.IsGenericType ? null
        : type.GetGenericTypeDefinition() == typeof(Optional<>) ? (type.GenericTypeArguments[0], false)
        : type.GetGenericTypeDefinition() == typeof(OptionalOrNull<>) ? (type.GenericTypeArguments[0], true)
        : null;

    public override bool CanConvert(Type typeToConvert) => InnerOf(typeToConvert) is not null;

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options)
    {
        var inner = typeToConvert.GenericTypeArguments[0];
        var definition = typeToConvert.GetGenericTypeDefinition() == typeof(Optional<>) ? typeof(Of<>) : typeof(OfOrNull<>);
        return (JsonConverter)Activator.CreateInstance(definition.MakeGenericType(inner))!;
    }

    private sealed class Of<T> : JsonConverter<Optional<T>>
    {
        public override bool HandleNull => true;

        public override Optional<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(JsonSerializer.Deserialize<T>(ref reader, options)!, true);

        public override void Write(Utf8JsonWriter writer, Optional<T> value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value.Value, options);
    }

    private sealed class OfOrNull<T> : JsonConverter<OptionalOrNull<T>>
        where T : class
    {
        public override bool HandleNull => true;

        public override OptionalOrNull<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(JsonSerializer.Deserialize<T>(ref reader, options), true);

        public override void Write(Utf8JsonWriter writer, OptionalOrNull<T> value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value.Value, options);
    }
}
