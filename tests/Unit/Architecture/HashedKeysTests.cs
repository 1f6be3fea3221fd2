using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using Loadline.Checkpoints;
using Loadline.DeviceMaps;
using Loadline.Harness.Commands;
using Loadline.Harness.Kubernetes;
using Loadline.Measuring;
using Loadline.Reading;
using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Unit.Architecture;

/// <summary>
/// Tables by what a file chose. .NET hashes a number by its bits, and the compiler a record or a tuple by a sum of such: of numbers that somebody chose all
/// have one hash, and a table of them is a list. Whoever needs such a key hashes halves by themselves, with the process's own seed.
/// </summary>
public sealed class HashedKeysTests
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Type[] Tables =
        [typeof(Dictionary<,>), typeof(HashSet<>), typeof(Dictionary<,>.Enumerator), typeof(HashSet<>.Enumerator), typeof(IReadOnlyDictionary<,>), typeof(ConcurrentDictionary<,>)];

    private static readonly Assembly[] Assemblies =
        [.. new[] { typeof(Checkpoint), typeof(DeviceMap), typeof(WeightLayout), typeof(Tensor), typeof(Loader), typeof(LoadRequest), typeof(Cli) }.Select(type => type.Assembly)];

    // The key's type is their first argument, or their second.
    private static readonly string[] ByItems = ["Distinct", "ToHashSet", "Except", "Intersect", "Union"];
    private static readonly string[] ByKeys = ["DistinctBy", "ExceptBy", "IntersectBy", "UnionBy", "GroupBy", "ToLookup", "ToDictionary", "CountBy", "AggregateBy"];

    // By the numbers of shards, and of processes, which the kernel gives.
    private static readonly string[] Few = ["GroupBy[RunPart,Int32]", "Except[Int32]", "GroupProcesses", "CgroupProcesses"];

    // A handful, which a command line names, and the cases of a budget file, which is trusted.
    private static readonly Type[] Chosen = [typeof(Device), typeof(ClusterCase)];

    [Fact]
    public void No_table_is_by_numbers_or_by_what_the_compiler_hashes()
    {
        var found = from assembly in Assemblies
                    from type in assembly.GetTypes()
                    where !type.IsDefined(typeof(CompilerGeneratedAttribute)) || type.Name.StartsWith('<')
                    from seen in TypesIn(type)
                    let key = KeyOf(seen)
                    where key is not null && !Chosen.Contains(key) && (IsWeak(key) || (key == typeof(int) && !Few.Any(type.ToString().Contains)))
                    select $"{type}: {key}";

        string.Join('\n', found.Distinct()).Should().BeEmpty();
    }

    [Fact]
    public void Nor_is_one_that_LINQ_makes()
    {
        var found = from assembly in Assemblies
                    from call in GenericCalls(assembly.ManifestModule)
                    where call.DeclaringType == typeof(Enumerable) && ByItems.Union(ByKeys).Contains(call.Name) && !HasComparer(call)
                    let arguments = call.GetGenericArguments()
                    let key = arguments[ByKeys.Contains(call.Name) ? 1 : 0]
                    // In a tuple it is hashed with the process's seed, and here by itself.
                    where !Chosen.Contains(key) && (key == typeof(int) || IsWeak(key))
                    let name = $"{call.Name}[{string.Join(',', arguments.Select(argument => argument.Name))}]"
                    where !Few.Contains(name)
                    select $"{assembly.GetName().Name}: {name}";

        string.Join('\n', found.Distinct()).Should().BeEmpty();
        Assemblies.Sum(assembly => GenericCalls(assembly.ManifestModule).Count()).Should().BeGreaterThan(1000, "else they were not found");
    }

    private static bool HasComparer(MethodBase call) => call.GetParameters()[^1].ParameterType.Name.StartsWith("IEqualityComparer", StringComparison.Ordinal);

    // All of its calls of generic methods whose arguments are types, and no parameters of a caller's.
    private static IEnumerable<MethodBase> GenericCalls(Module module)
    {
        for (var token = 0x2b000001; ; token++)
        {
            MethodBase? call = null;
            try
            {
                call = module.ResolveMethod(token);
            }
            catch (ArgumentOutOfRangeException)
            {
                yield break;
            }
            catch (Exception e) when (e is BadImageFormatException or ArgumentException)
            {
                // One with a parameter.
            }

            if (call is not null) yield return call;
        }
    }

    private static IEnumerable<Type> TypesIn(Type type)
    {
        foreach (var field in type.GetFields(All)) yield return field.FieldType;
        foreach (var method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
        {
            foreach (var local in method.GetMethodBody()?.LocalVariables ?? []) yield return local.LocalType;
        }
    }

    private static Type? KeyOf(Type type) => type.IsGenericType && Tables.Contains(type.GetGenericTypeDefinition()) ? type.GetGenericArguments()[0] : null;

    private static bool IsWeak(Type key)
    {
        if (key == typeof(long) || key == typeof(ulong) || key == typeof(double)) return true;
        if (key.IsGenericParameter || key.IsEnum || key.IsPrimitive || key == typeof(string) || key.IsInterface) return false;
        // Its own hash has a seed, and takes what its parts have.
        if (typeof(ITuple).IsAssignableFrom(key) || key.IsGenericType) return key.GetGenericArguments().Any(IsWeak);
        return key.GetMethod(nameof(GetHashCode), All, [])?.IsDefined(typeof(CompilerGeneratedAttribute)) == true;
    }
}
