using System.Reflection;
using System.Reflection.Emit;

namespace Loadline.Unit.Architecture;

/// <summary>What a compiled type names: in its bases, its members' signatures and its code.</summary>
internal static class TypeReferences
{
    private const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    private static readonly Dictionary<short, OpCode> Codes =
        typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (OpCode)f.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>The types that it names. Constants and attributes leave no trace in compiled code, and are not seen.</summary>
    public static HashSet<Type> Of(Type type)
    {
        var found = new HashSet<Type>();
        Add(found, type.BaseType);
        foreach (var face in type.GetInterfaces()) Add(found, face);
        foreach (var field in type.GetFields(Declared)) Add(found, field.FieldType);
        foreach (var method in type.GetMethods(Declared).Cast<MethodBase>().Concat(type.GetConstructors(Declared))) AddMethod(found, type, method);
        return found;
    }

    private static void AddMethod(HashSet<Type> found, Type type, MethodBase method)
    {
        AddMember(found, method);
        if (method.GetMethodBody() is not { } body) return;
        foreach (var local in body.LocalVariables) Add(found, local.LocalType);
        var typeArguments = type.IsGenericType ? type.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        foreach (var token in Tokens(body.GetILAsByteArray()!))
        {
            var member = type.Module.ResolveMember(token, typeArguments, methodArguments);
            if (member is Type named) Add(found, named);
            else if (member is not null) AddMember(found, member);
        }
    }

    private static void AddMember(HashSet<Type> found, MemberInfo member)
    {
        Add(found, member.DeclaringType);
        if (member is FieldInfo field) Add(found, field.FieldType);
        if (member is not MethodBase method) return;
        foreach (var parameter in method.GetParameters()) Add(found, parameter.ParameterType);
        if (method.IsGenericMethod) foreach (var argument in method.GetGenericArguments()) Add(found, argument);
        if (method is MethodInfo { ReturnType: var result }) Add(found, result);
    }

    private static void Add(HashSet<Type> found, Type? type)
    {
        while (type is { HasElementType: true }) type = type.GetElementType();
        if (type is null || type.IsGenericParameter) return;
        if (type.IsGenericType) foreach (var argument in type.GetGenericArguments()) Add(found, argument);
        found.Add(type.IsGenericType ? type.GetGenericTypeDefinition() : type);
    }

    private static IEnumerable<int> Tokens(byte[] code)
    {
        for (var at = 0; at < code.Length;)
        {
            var instruction = Codes[code[at] == 0xFE ? (short)(0xFE00 | code[at + 1]) : code[at]];
            at += instruction.Size;
            if (instruction.OperandType is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType)
            {
                yield return BitConverter.ToInt32(code, at);
            }

            at += instruction.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(code, at),
                _ => 4,
            };
        }
    }
}
