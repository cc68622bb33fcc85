using Payments.Fraud.Velocity;

namespace Payments.Fraud.Rules;

/// <summary>What was wrong with an expression, and where: the place of the first character, from 1.</summary>
internal sealed record ExpressionError(int Position, string Message);

/// <summary>
/// A rule's condition, typed and ready to be asked. Three-valued: what compares with something unknown is unknown, <c>not</c> of it too,
/// and a rule speaks only where its condition is true.
/// </summary>
internal sealed class RuleExpression
{
    private readonly Func<PaymentFacts, bool?> condition;
    private readonly bool asksFirstPurchase;

    private RuleExpression(string text, Func<PaymentFacts, bool?> condition, bool asksFirstPurchase) =>
        (Text, this.condition, this.asksFirstPurchase) = (text, condition, asksFirstPurchase);

    public string Text { get; }

    public bool Matches(PaymentFacts facts) => condition(facts) is true;

    /// <summary>Whether it matters for this payment if the card has bought here before.</summary>
    public bool DependsOnFirstPurchase(PaymentFacts facts) =>
        asksFirstPurchase && condition(facts with { FirstPurchase = true }) != condition(facts with { FirstPurchase = false });

    public static RuleExpression? Parse(string text, EntityHash hash, out ExpressionError? error)
    {
        if (RuleGrammar.Parse(text, out error) is not { } tree)
        {
            return null;
        }

        var asks = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            return new RuleExpression(text, Condition(tree, hash, asks), asks.Contains(RuleAttribute.FirstPurchase));
        }
        catch (ExpressionException e)
        {
            error = e.Error;
            return null;
        }
    }

    private static Func<PaymentFacts, bool?> Condition(RuleNode node, EntityHash hash, HashSet<string> asks)
    {
        switch (node)
        {
            case RuleNode.Not not:
                var inner = Condition(not.Operand, hash, asks);
                return f => !inner(f);
            case RuleNode.Both both:
                var (left, right) = (Condition(both.Left, hash, asks), Condition(both.Right, hash, asks));
                return both.IsAnd ? f => left(f) & right(f) : f => left(f) | right(f);
            case RuleNode.Compare compare:
                return Comparison(compare, hash, asks);
            case RuleNode.In within:
                return Membership(within, hash, asks);
            case RuleNode.Known known:
                var asked = Attribute(known.Name, asks);
                return f => asked.Of(f).IsKnown == known.IsKnown;
            case RuleNode.Reference name when Attribute(name, asks) is { Type: ValueType.Flag } flag:
                return f => flag.Of(f).Flag;
            case RuleNode.Literal { Value.Flag: { } constant }:
                return _ => constant;
            default:
                throw new ExpressionException(node.Position, "A condition is expected: a comparison or a flag.");
        }
    }

    private static Func<PaymentFacts, bool?> Comparison(RuleNode.Compare compare, EntityHash hash, HashSet<string> asks)
    {
        var (leftType, leftName) = TypeOf(compare.Left, asks);
        var (rightType, rightName) = TypeOf(compare.Right, asks);
        if (leftType != rightType)
        {
            throw new ExpressionException(compare.Position, $"{Describe(leftType)} cannot be compared with {Describe(rightType).ToLowerInvariant()}.");
        }

        var hashed = leftName is { Hashed: true } || rightName is { Hashed: true };
        var ordered = compare.Operator is not ("=" or "!=");
        if (ordered && (leftType != ValueType.Number || hashed))
        {
            throw new ExpressionException(compare.Position, $"{compare.Operator} compares numbers only.");
        }

        if (leftName is not null && rightName is not null && leftName.Hashed != rightName.Hashed)
        {
            throw new ExpressionException(compare.Position, $"{(leftName.Hashed ? leftName : rightName).Name} can be compared with a text only.");
        }

        Bound(leftName, compare.Right);
        Bound(rightName, compare.Left);
        var (left, right) = (Value(compare.Left, leftName, hashed, hash), Value(compare.Right, rightName, hashed, hash));
        return f => Compare(left(f), right(f), compare.Operator);
    }

    private static Func<PaymentFacts, bool?> Membership(RuleNode.In within, EntityHash hash, HashSet<string> asks)
    {
        var attribute = Attribute(within.Name, asks);
        foreach (var literal in within.Values)
        {
            if (TypeOf(literal, asks).Type != attribute.Type)
            {
                throw new ExpressionException(literal.Position, $"{Describe(attribute.Type)} is expected here.");
            }

            Bound(attribute, literal);
        }

        var values = within.Values.Select(v => Value(v, null, attribute.Hashed, hash)(null!)).ToArray();
        return f => attribute.Of(f) is { IsKnown: true } value ? Array.Exists(values, v => Compare(value, v, "=") is true) != within.IsNot : null;
    }

    /// <summary>A counter that stops counting at 255 never exceeds it, which whoever wrote the rule has to know.</summary>
    private static void Bound(RuleAttribute? attribute, RuleNode other)
    {
        if (attribute?.Most is { } most && other is RuleNode.Literal { Value.Number: { } number } && number >= most)
        {
            throw new ExpressionException(other.Position, $"{attribute.Name} counts up to {most}; a smaller number is expected.");
        }
    }

    private static (ValueType Type, RuleAttribute? Attribute) TypeOf(RuleNode node, HashSet<string> asks) => node switch
    {
        RuleNode.Reference name => Attribute(name, asks) is var found ? (found.Type, found) : default,
        RuleNode.Literal { Value.Number: not null } => (ValueType.Number, null),
        RuleNode.Literal { Value.Text: not null } => (ValueType.Text, null),
        RuleNode.Literal => (ValueType.Flag, null),
        _ => throw new ExpressionException(node.Position, "A name or a value is expected."),
    };

    private static RuleAttribute Attribute(RuleNode.Reference name, HashSet<string> asks)
    {
        asks.Add(name.Text);
        return RuleAttribute.Find(name.Text) ?? throw new ExpressionException(name.Position, $"There is no '{name.Text}'.");
    }

    private static Func<PaymentFacts, RuleValue> Value(RuleNode node, RuleAttribute? attribute, bool hashed, EntityHash hash)
    {
        if (attribute is not null)
        {
            return attribute.Of;
        }

        var value = ((RuleNode.Literal)node).Value;
        if (hashed && value.Text is { } text)
        {
            value = value with { Text = hash.EmailDomain(text.ToLowerInvariant()).ToString("N") };
        }

        return _ => value;
    }

    private static bool? Compare(RuleValue left, RuleValue right, string comparison)
    {
        if (!left.IsKnown || !right.IsKnown)
        {
            return null;
        }

        var order = left.Number is { } number ? number.CompareTo(right.Number!.Value)
            : left.Text is { } text ? string.Compare(text, right.Text, StringComparison.OrdinalIgnoreCase)
            : left.Flag!.Value.CompareTo(right.Flag!.Value);
        return comparison switch
        {
            "=" => order == 0,
            "!=" => order != 0,
            "<" => order < 0,
            "<=" => order <= 0,
            ">" => order > 0,
            _ => order >= 0,
        };
    }

    private static string Describe(ValueType type) => type switch
    {
        ValueType.Number => "A number",
        ValueType.Text => "A text",
        _ => "A flag",
    };

    private sealed class ExpressionException(int position, string message) : Exception(message)
    {
        public ExpressionError Error { get; } = new(position, message);
    }
}
